// What goes up to the backend: alerts at once, changes of devices together every few seconds, each
// with the revision before it, so that the backend sees when it has missed something.
#pragma once

#include <tentacle/event/v1/event.pb.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include "libs/runtime/host.h"
#include "libs/wire/mac_address.h"
#include "services/discovery/arp_scanner.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/metrics.h"

namespace tentacle::discovery {

// Home thread only.
class Reporter : public std::enable_shared_from_this<Reporter> {
 public:
  using SelfPtr = std::shared_ptr<Reporter>;

  Reporter(runtime::Host& host, const DeviceTable& table, Metrics& metrics)
      : host_(host), table_(table), metrics_(metrics) {}

  // The revision that was reached before. Blocks; for the start.
  absl::Status Open();

  // Goes up with the next Flush. Suspect devices do not: a flood of made-up addresses is one alert,
  // not 10,000 devices.
  void NoteChanged(const wire::MacAddress& mac) { changed_.insert(mac); }

  void NoteForgotten(const wire::MacAddress& mac);

  // At once. `correlation_id` is a MAC or a command's id.
  void Tell(std::string type, std::string correlation_id, std::string body);

  // Everything noted since the last time.
  static boost::asio::awaitable<void> Flush(SelfPtr self);

  // What a sweep found, for one request. Part by part, so that a large segment is not in memory
  // twice; who is forgotten meanwhile is in none.
  static boost::asio::awaitable<void> TellScan(SelfPtr self,
                                               ScanResult result,
                                               std::string scan_id);

  struct Snapshot {
    std::uint64_t revision = 0;
    std::size_t devices = 0;
  };

  // The whole table. ResourceExhausted when the event log does not take it.
  static boost::asio::awaitable<absl::StatusOr<Snapshot>> ReportAll(SelfPtr self,
                                                                    std::string command_id);

  // Durable when it returns; a refusal is logged.
  static boost::asio::awaitable<absl::Status> Append(
      SelfPtr self,
      std::string type,
      std::string correlation_id,
      std::string body,
      event::v1::Priority priority = event::v1::PRIORITY_RESULT);

 private:
  // Those that the table has and that are not suspect.
  std::vector<const Device*> Trusted(std::span<const wire::MacAddress> macs) const;
  static boost::asio::awaitable<void> TellChanges(SelfPtr self,
                                                  std::span<const wire::MacAddress> changed,
                                                  std::span<const wire::MacAddress> forgotten);
  boost::asio::awaitable<absl::Status> SaveRevision();

  runtime::Host& host_;
  const DeviceTable& table_;
  Metrics& metrics_;
  std::set<wire::MacAddress> changed_;
  std::set<wire::MacAddress> forgotten_;
  std::uint64_t revision_ = 0;
};

}  // namespace tentacle::discovery
