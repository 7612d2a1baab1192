// What is known of the segment on disk: one record per MAC, "device/<mac>", one per DHCP server,
// one per pinged host, and the time of the last sweep.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/store/store.h"
#include "services/discovery/core/device_table.h"
#include "services/discovery/core/dhcp_servers.h"
#include "services/discovery/core/ping_history.h"

namespace tentacle::discovery {

// Home thread only; writes go to the disk on `blocking`.
class DeviceStore {
 public:
  DeviceStore(store::Store& store, boost::asio::thread_pool& blocking)
      : store_(store), blocking_(blocking) {}

  struct Loaded {
    std::vector<Device> devices;
    std::vector<DhcpServer> servers;
    std::map<std::uint32_t, PingHistory> pings;
    absl::Time last_scan = absl::InfinitePast();
    std::size_t unreadable = 0;  // Records that cannot be read; they are left out.
  };

  // Blocks: for the start, before anything is served.
  absl::StatusOr<Loaded> Load();

  // All or nothing. A killed process loses nothing that was saved; a power cut may lose the last
  // seconds, which the next sweep brings back.
  boost::asio::awaitable<absl::Status> Save(const DeviceTable::Unsaved& unsaved);
  boost::asio::awaitable<absl::Status> SaveLastScan(absl::Time time);
  // All of them; those that are not among them are deleted.
  boost::asio::awaitable<absl::Status> SaveServers(const std::vector<DhcpServer>& servers);
  boost::asio::awaitable<absl::Status> SavePings(std::map<std::uint32_t, PingHistory> pings);

 private:
  absl::Status LoadServers(Loaded& loaded);
  absl::Status LoadPings(Loaded& loaded);
  // Writes `records` and deletes the others of `keys`, which are those that the disk has.
  boost::asio::awaitable<absl::Status> Replace(std::set<std::string>& keys,
                                               std::map<std::string, std::string> records);
  boost::asio::awaitable<absl::Status> Apply(std::vector<store::Write> writes);

  store::Store& store_;
  std::set<std::string> server_keys_;  // Those that the disk has.
  std::set<std::string> ping_keys_;
  boost::asio::thread_pool& blocking_;
};

}  // namespace tentacle::discovery
