// Every counter of pxe, by name.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "services/pxe/core/boot_request.h"
#include "services/pxe/core/tftp_session.h"

namespace tentacle::pxe {

// Home thread only.
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  void DhcpAnswered(DhcpPort port);
  void DhcpDropped(DropReason reason);
  void DhcpFailed();                           // The answer could not be sent.
  void BootAttempt(std::string_view outcome);  // Of a machine that is not answered.
  void TftpEnded(std::string_view outcome, std::uint64_t bytes);
  void TftpSessions(std::size_t open);
  void HttpReplied(std::string_view route, unsigned status);
  void HttpDropped(std::string_view reason);
  void Callback(std::string_view outcome);
  void Orders(std::string_view outcome);
  void Answer(std::string_view outcome);
  void Alert(std::string_view kind);

  void TookOver() { takeovers_.Increment(); }

  void BootEnded(std::string_view outcome);
  void TaskFile(std::string_view outcome);
  void Tasks(const std::map<std::string, std::size_t>& by_status);

 private:
  prometheus::Family<prometheus::Counter>& dhcp_answers_;
  prometheus::Family<prometheus::Counter>& dhcp_drops_;
  prometheus::Counter& dhcp_failures_;
  // Looked up once: a flood is counted packet by packet.
  std::array<prometheus::Counter*, kDropReasons> dropped_{};
  std::array<prometheus::Counter*, 2> answered_{};
  prometheus::Family<prometheus::Counter>& boot_attempts_;
  prometheus::Family<prometheus::Counter>& tftp_transfers_;
  prometheus::Counter& tftp_bytes_;
  prometheus::Gauge& tftp_sessions_;
  prometheus::Family<prometheus::Counter>& http_replies_;
  prometheus::Family<prometheus::Counter>& http_drops_;
  prometheus::Family<prometheus::Counter>& callbacks_;
  prometheus::Family<prometheus::Counter>& orders_;
  prometheus::Family<prometheus::Counter>& answers_;
  prometheus::Family<prometheus::Counter>& alerts_;
  prometheus::Counter& takeovers_;
  prometheus::Family<prometheus::Counter>& boots_;
  prometheus::Family<prometheus::Counter>& task_files_;
  prometheus::Family<prometheus::Gauge>& tasks_;
};

}  // namespace tentacle::pxe
