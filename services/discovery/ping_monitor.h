// Pings many hosts from one socket and keeps how they answered.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/icmp.hpp>

#include "libs/runtime/clock.h"
#include "services/discovery/core/ping_history.h"
#include "services/discovery/metrics.h"

namespace tentacle::discovery {

// Home thread only. A listening coroutine keeps it alive until Close().
class PingMonitor : public std::enable_shared_from_this<PingMonitor> {
 public:
  PingMonitor(boost::asio::any_io_executor home, const runtime::Clock& clock, Metrics& metrics);

  // Before the first Round.
  void Restore(const std::map<std::uint32_t, PingHistory>& histories);

  // One ping to each, limits::kMaxPingTargets at most; who has not answered the one before has lost
  // it. Histories of hosts that are not among them are kept for a week, while there is room.
  // PermissionDenied without CAP_NET_RAW.
  absl::Status Round(const std::set<std::uint32_t>& targets);

  std::optional<Availability> Find(std::uint32_t address) const;
  std::map<std::uint32_t, PingHistory> Histories() const;
  // Of those that were asked in the last hour.
  std::vector<PingReport> Reports() const;
  void Close();

 private:
  struct Target {
    PingHistory history;
    std::uint16_t sequence = 0;
    bool waiting = false;
    absl::Time sent;
  };

  using SelfPtr = std::shared_ptr<PingMonitor>;

  absl::Status Open();
  void MakeRoom(const std::set<std::uint32_t>& targets);
  void Send(std::uint32_t address, Target& target);
  static boost::asio::awaitable<void> Listen(SelfPtr self);
  void Hear(std::vector<std::uint8_t>& packet, std::uint32_t from);

  boost::asio::any_io_executor home_;
  const runtime::Clock& clock_;
  Metrics& metrics_;
  boost::asio::ip::icmp::socket socket_;
  std::uint16_t id_;
  std::map<std::uint32_t, Target> targets_;
};

}  // namespace tentacle::discovery
