#include "services/pxe/metrics.h"

namespace tentacle::pxe {

namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry,
                                                  const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : dhcp_answers_(Counters(
          registry, "tentacle_pxe_dhcp_answers_total", "DHCP messages answered, by kind.")),
      dhcp_drops_(Counters(
          registry, "tentacle_pxe_dhcp_drops_total", "DHCP messages left alone, by reason.")),
      dhcp_failures_(Counters(registry,
                              "tentacle_pxe_dhcp_send_failures_total",
                              "Answers the kernel did not take.")
                         .Add({})),
      boot_attempts_(
          Counters(registry,
                   "tentacle_pxe_boot_attempts_total",
                   "Boots of machines that are not answered, by whether the backend was told.")),
      tftp_transfers_(
          Counters(registry, "tentacle_pxe_tftp_transfers_total", "TFTP requests, by outcome.")),
      tftp_bytes_(
          Counters(registry, "tentacle_pxe_tftp_sent_bytes_total", "Bytes of files acknowledged.")
              .Add({})),
      tftp_sessions_(prometheus::BuildGauge()
                         .Name("tentacle_pxe_tftp_sessions")
                         .Help("TFTP transfers under way.")
                         .Register(registry)
                         .Add({})),
      http_replies_(Counters(
          registry, "tentacle_pxe_http_replies_total", "HTTP answers, by route and status.")),
      http_drops_(Counters(
          registry, "tentacle_pxe_http_drops_total", "HTTP connections dropped, by reason.")),
      callbacks_(
          Counters(registry, "tentacle_pxe_callbacks_total", "Installer callbacks, by outcome.")),
      orders_(Counters(registry, "tentacle_pxe_orders_total", "Requests for orders, by outcome.")),
      answers_(Counters(
          registry, "tentacle_pxe_answers_total", "Requests for answer files, by outcome.")),
      alerts_(Counters(
          registry, "tentacle_pxe_alerts_total", "What a person should look at, by kind.")),
      takeovers_(
          Counters(registry,
                   "tentacle_pxe_takeovers_total",
                   "Machines that their own tentacle left unanswered, and this one answered.")
              .Add({})),
      boots_(Counters(registry, "tentacle_pxe_boots_total", "Boots that ended, by outcome.")),
      task_files_(Counters(
          registry, "tentacle_pxe_task_files_total", "Task files read and written, by outcome.")),
      tasks_(prometheus::BuildGauge()
                 .Name("tentacle_pxe_tasks")
                 .Help("Tasks in the table, by status.")
                 .Register(registry)) {
  answered_ = {&dhcp_answers_.Add({{"kind", "offer"}}),
               &dhcp_answers_.Add({{"kind", "boot_server_ack"}})};
  // Rates need the zero that was there before.
  for (int reason = 0; reason < kDropReasons; ++reason) {
    dropped_[static_cast<std::size_t>(reason)] =
        &dhcp_drops_.Add({{"reason", std::string(DropName(static_cast<DropReason>(reason)))}});
  }
}

void Metrics::DhcpAnswered(DhcpPort port) {
  answered_[port == DhcpPort::kDhcp ? 0 : 1]->Increment();
}

void Metrics::DhcpDropped(DropReason reason) {
  dropped_[static_cast<std::size_t>(reason)]->Increment();
}

void Metrics::BootAttempt(std::string_view outcome) {
  boot_attempts_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::DhcpFailed() {
  dhcp_failures_.Increment();
}

void Metrics::TftpEnded(std::string_view outcome, std::uint64_t bytes) {
  tftp_transfers_.Add({{"outcome", std::string(outcome)}}).Increment();
  tftp_bytes_.Increment(static_cast<double>(bytes));
}

void Metrics::TftpSessions(std::size_t open) {
  tftp_sessions_.Set(static_cast<double>(open));
}

void Metrics::HttpReplied(std::string_view route, unsigned status) {
  http_replies_.Add({{"route", std::string(route)}, {"status", std::to_string(status)}})
      .Increment();
}

void Metrics::HttpDropped(std::string_view reason) {
  http_drops_.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::Callback(std::string_view outcome) {
  callbacks_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Orders(std::string_view outcome) {
  orders_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Answer(std::string_view outcome) {
  answers_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Alert(std::string_view kind) {
  alerts_.Add({{"kind", std::string(kind)}}).Increment();
}

void Metrics::BootEnded(std::string_view outcome) {
  boots_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::TaskFile(std::string_view outcome) {
  task_files_.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::Tasks(const std::map<std::string, std::size_t>& by_status) {
  for (const auto& [status, count] : by_status)
    tasks_.Add({{"status", status}}).Set(static_cast<double>(count));
}

}  // namespace tentacle::pxe
