#include "services/discovery/arp_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/identity/identity.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr std::size_t kRandomIdBytes = 8;

// An id goes into logs and events: printable, and not a page long.
bool IsScanId(const std::string& id) {
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  return id.size() <= limits::kMaxScanIdBytes && std::all_of(id.begin(), id.end(), printable);
}

}  // namespace

ArpScanner::ArpScanner(asio::any_io_executor home,
                       const runtime::Clock& clock,
                       SegmentLinks& links,
                       const DeviceTable& table,
                       Metrics& metrics,
                       runtime::Log log)
    : home_(home),
      clock_(clock),
      links_(links),
      table_(table),
      metrics_(metrics),
      log_(std::move(log)),
      pace_(home) {}

absl::StatusOr<ArpScanner::Started> ArpScanner::Start(std::string scan_id, ScanSettings settings) {
  if (!IsScanId(scan_id)) {
    metrics_.ScanEnded(ScanOutcome::kRefused);
    return absl::InvalidArgumentError(fmt::format(
        "a scan id has at most {} printable characters and no blanks", limits::kMaxScanIdBytes));
  }
  if (scan_id.empty()) scan_id = identity::RandomHex(kRandomIdBytes);
  if (sweep_ != nullptr) return Join(std::move(scan_id));

  auto sweep = Plan(settings);
  if (!sweep.ok()) {
    metrics_.ScanEnded(ScanOutcome::kRefused);
    return sweep.status();
  }
  sweep_ = *std::move(sweep);
  sweep_->scan_ids.push_back(scan_id);
  sweep_->started_at = clock_.Now();
  sweep_->mark = table_.mark();
  const std::size_t targets = sweep_->plan.targets();
  log_.Info("discovery.scan_started", {{"task", scan_id}, {"targets", targets}});
  asio::co_spawn(home_, Run(shared_from_this(), sweep_), asio::detached);
  return Started{std::move(scan_id), targets};
}

absl::StatusOr<ArpScanner::Started> ArpScanner::Join(std::string scan_id) {
  auto& ids = sweep_->scan_ids;
  const std::size_t targets = sweep_->plan.targets();
  // A command that is delivered twice gets one result.
  if (std::find(ids.begin(), ids.end(), scan_id) == ids.end()) {
    if (ids.size() == limits::kMaxJoinedScans) {
      metrics_.ScanEnded(ScanOutcome::kRefused);
      return absl::ResourceExhaustedError(
          fmt::format("{} requests wait for the sweep that runs", limits::kMaxJoinedScans));
    }
    ids.push_back(scan_id);
  }
  metrics_.ScanEnded(ScanOutcome::kJoined);
  log_.Info("discovery.scan_joined", {{"task", scan_id}, {"targets", targets}});
  return Started{std::move(scan_id), targets};
}

absl::StatusOr<ArpScanner::SweepPtr> ArpScanner::Plan(ScanSettings settings) {
  if (absl::Status status = links_.Ready(); !status.ok()) return status;
  auto sweep = std::make_shared<Sweep>(links_.Subnets(), settings);
  std::string skipped;
  for (const ScanPlan::Skipped& one : sweep->plan.skipped()) {
    const std::string network = NetworkName(one.subnet);
    const std::string_view reason = SkipReasonName(one.reason);
    metrics_.SubnetSkipped(one.reason);
    log_.Warning("discovery.subnet_skipped",
                 {{"interface", one.subnet.interface}, {"network", network}, {"reason", reason}});
    skipped += fmt::format("; {} on {}: {}", network, one.subnet.interface, reason);
  }
  if (sweep->plan.targets() == 0) {
    return absl::FailedPreconditionError("there is no address to ask" + skipped);
  }
  return sweep;
}

asio::awaitable<void> ArpScanner::Run(SelfPtr self, SweepPtr sweep) {
  co_await SendProbes(self, sweep);
  ScanResult result = self->Conclude(*sweep);
  // From here on a request starts a sweep of its own.
  self->sweep_.reset();
  if (self->sink_) co_await self->sink_(std::move(result));
}

asio::awaitable<void> ArpScanner::SendProbes(SelfPtr self, SweepPtr sweep) {
  const auto start = std::chrono::steady_clock::now();
  while (!sweep->stopped) {
    const auto elapsed = absl::FromChrono(std::chrono::steady_clock::now() - start);
    const auto step = sweep->plan.Next(elapsed);
    if (std::holds_alternative<Finished>(step)) co_return;
    if (const auto* probe = std::get_if<Probe>(&step)) {
      // What could not be sent is asked again in the next pass, like everything that stays silent.
      self->metrics_.ProbeSent(self->links_.Send(*probe).ok());
      continue;
    }
    const auto due = absl::ToChronoNanoseconds(std::get<WaitUntil>(step).elapsed);
    self->pace_.expires_at(start + due);
    co_await self->pace_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!self->links_.Ready().ok()) sweep->stopped = true;
  }
}

ScanResult ArpScanner::Conclude(const Sweep& sweep) {
  ScanResult result;
  result.scan_ids = sweep.scan_ids;
  result.started_at = sweep.started_at;
  // A clock that was set back does not make a sweep end before it began.
  result.finished_at = std::max(sweep.started_at, clock_.Now());
  result.targets = sweep.plan.asked();
  result.passes = sweep.plan.pass();
  result.interrupted = sweep.stopped;
  result.devices = table_.SeenSince(sweep.mark);
  metrics_.ScanEnded(sweep.stopped ? ScanOutcome::kInterrupted : ScanOutcome::kCompleted);
  log_.Info("discovery.scan_finished", {{"task", sweep.scan_ids.front()},
                                        {"targets", result.targets},
                                        {"devices", result.devices.size()},
                                        {"passes", result.passes},
                                        {"interrupted", result.interrupted}});
  return result;
}

bool ArpScanner::OnHeard(const Observation& observation) {
  if (sweep_ == nullptr || observation.source != Source::kArp) return false;
  return sweep_->plan.OnAnswer(observation.interface, observation.address);
}

void ArpScanner::Stop() {
  if (sweep_ == nullptr) return;
  sweep_->stopped = true;
  pace_.cancel();
}

}  // namespace tentacle::discovery
