// The segment this tentacle stands in: what may be asked about it, and what happens by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/runtime/host.h"
#include "services/discovery/arp_scanner.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/core/topology.h"
#include "services/discovery/device_store.h"
#include "services/discovery/lookout.h"
#include "services/discovery/metrics.h"
#include "services/discovery/ping_monitor.h"
#include "services/discovery/port_scanner.h"
#include "services/discovery/reporter.h"
#include "services/discovery/segment_links.h"
#include "services/discovery/wake_sender.h"
#include "services/discovery/wake_watch.h"

namespace tentacle::discovery {

struct WakeOrder {
  std::string mac;
  std::string command_id;
  std::string password;  // SecureOn; see ParseWakePassword.
};

// Six octets as a MAC, four as an address, or none. InvalidArgument without the text, which is a
// secret.
absl::StatusOr<wire::Buffer> ParseWakePassword(const std::string& text);

// Home thread only. Lives as long as its process.
class Segment : public std::enable_shared_from_this<Segment> {
 public:
  using SelfPtr = std::shared_ptr<Segment>;

  Segment(runtime::Host& host, LinkSource source);

  // Reads what is known from disk and begins to listen. Blocks; before anything is served.
  absl::Status Open();

  // Follows the configuration: opens, closes, and says in health what is not possible.
  void Apply();

  // See ArpScanner::Start. `probes_per_second` 0: as configured.
  absl::StatusOr<ArpScanner::Started> StartScan(std::string scan_id,
                                                std::uint32_t probes_per_second);

  struct LastScan {
    std::string id;
    std::size_t targets = 0;
    std::size_t devices = 0;
    absl::Duration took;
  };

  const DeviceTable& table() const { return table_; }

  const ArpScanner& scanner() const { return *scanner_; }

  const Lookout& lookout() const { return *lookout_; }

  const WakeWatch& wakes() const { return *wakes_; }

  const PingMonitor& pings() const { return *pings_; }

  const LastScan& last_result() const { return last_result_; }

  const std::shared_ptr<Reporter>& reporter() const { return reporter_; }

  absl::Time last_scan() const { return last_scan_; }  // InfinitePast: never.

  TopologyFacts Facts() const;

  // InvalidArgument for what is no unicast MAC or no password; NotFound for a MAC that was never
  // heard here; else see WakeWatch::Admit and WakeSender::Wake. What comes of it becomes events.
  static boost::asio::awaitable<absl::StatusOr<std::uint32_t>> Wake(SelfPtr self, WakeOrder order);

  // These run until they are cancelled.
  static boost::asio::awaitable<void> KeepUp(SelfPtr self);
  static boost::asio::awaitable<void> ScanOnTime(SelfPtr self);
  static boost::asio::awaitable<void> ReportOnTime(SelfPtr self);
  static boost::asio::awaitable<void> PingOnTime(SelfPtr self);

  // Write what is not on disk yet.
  static boost::asio::awaitable<void> Save(SelfPtr self);
  static boost::asio::awaitable<void> SavePings(SelfPtr self);

 private:
  absl::StatusOr<wire::MacAddress> AdmitWake(const std::string& mac);
  absl::Duration ScanInterval() const;
  PresenceRules Rules() const;
  std::set<std::uint32_t> PingTargets() const;
  static boost::asio::awaitable<void> Report(SelfPtr self, ScanResult result);
  static boost::asio::awaitable<void> ReportSegment(SelfPtr self);
  static boost::asio::awaitable<void> LookAtPorts(SelfPtr self,
                                                  std::vector<wire::MacAddress> devices);
  static boost::asio::awaitable<absl::Status> SavePart(SelfPtr self, std::size_t count);
  void LearnPorts(const wire::MacAddress& mac, std::vector<OpenPort> ports);

  runtime::Host& host_;
  Metrics metrics_;
  DeviceTable table_;
  DeviceStore store_;
  std::shared_ptr<SegmentLinks> links_;
  std::shared_ptr<ArpScanner> scanner_;
  std::shared_ptr<WakeSender> waker_;
  std::shared_ptr<Reporter> reporter_;
  std::unique_ptr<Lookout> lookout_;
  std::shared_ptr<WakeWatch> wakes_;
  std::shared_ptr<PortScanner> ports_;
  std::shared_ptr<PingMonitor> pings_;
  absl::Time last_scan_ = absl::InfinitePast();
  LastScan last_result_;
  absl::Time listening_since_ = absl::InfiniteFuture();
  absl::Time segment_reported_at_ = absl::InfinitePast();
  std::uint64_t segment_reported_ = 0;
  std::uint64_t servers_saved_ = 0;
  absl::Time pings_saved_at_;
  bool segment_due_ = false;
  bool saving_ = false;
  boost::asio::steady_timer upkeep_;
  boost::asio::steady_timer schedule_;
  boost::asio::steady_timer report_;
  boost::asio::steady_timer ping_;
};

}  // namespace tentacle::discovery
