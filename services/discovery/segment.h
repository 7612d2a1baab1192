// The segment this tentacle stands in: what may be asked about it, and what happens by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "libs/runtime/host.h"
#include "services/discovery/arp_scanner.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/device_store.h"
#include "services/discovery/metrics.h"
#include "services/discovery/segment_links.h"
#include "services/discovery/wake_sender.h"

namespace tentacle::discovery {

// Home thread only. Lives as long as its process.
class Segment : public std::enable_shared_from_this<Segment> {
 public:
  using SelfPtr = std::shared_ptr<Segment>;

  Segment(runtime::Host& host, LinkSource source);

  // Reads what is known from disk and begins to listen. Blocks; before anything is served.
  absl::Status Open();

  // Follows the configuration: opens, closes, and says in health what is not possible.
  void Apply();

  // See ArpScanner::Start.
  absl::StatusOr<ArpScanner::Started> StartScan(std::string scan_id);

  const DeviceTable& table() const { return table_; }

  absl::Time last_scan() const { return last_scan_; }  // InfinitePast: never.

  // InvalidArgument for what is no unicast MAC; else see WakeSender::Wake. The result becomes an
  // event.
  static boost::asio::awaitable<absl::StatusOr<std::uint32_t>> Wake(SelfPtr self,
                                                                    std::string mac,
                                                                    std::string command_id);

  // These two run until they are cancelled.
  static boost::asio::awaitable<void> KeepUp(SelfPtr self);
  static boost::asio::awaitable<void> ScanOnTime(SelfPtr self);

  // Writes what is not on disk yet.
  static boost::asio::awaitable<void> Save(SelfPtr self);

 private:
  void Hear(const Observation& observation);
  absl::Duration ScanInterval() const;
  static boost::asio::awaitable<void> Report(SelfPtr self, ScanResult result);
  static boost::asio::awaitable<void> Append(SelfPtr self,
                                             std::string type,
                                             std::string correlation_id,
                                             std::string body);

  runtime::Host& host_;
  Metrics metrics_;
  DeviceTable table_;
  DeviceStore store_;
  std::shared_ptr<SegmentLinks> links_;
  std::shared_ptr<ArpScanner> scanner_;
  std::shared_ptr<WakeSender> waker_;
  absl::Time last_scan_ = absl::InfinitePast();
  bool saving_ = false;
  boost::asio::steady_timer upkeep_;
  boost::asio::steady_timer schedule_;
};

}  // namespace tentacle::discovery
