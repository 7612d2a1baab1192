// The device table on disk: one record per MAC, "device/<mac>", and the time of the last sweep.
#pragma once

#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/store/store.h"
#include "services/discovery/core/device_table.h"

namespace tentacle::discovery {

// Home thread only; writes go to the disk on `blocking`.
class DeviceStore {
 public:
  DeviceStore(store::Store& store, boost::asio::thread_pool& blocking)
      : store_(store), blocking_(blocking) {}

  struct Loaded {
    std::vector<Device> devices;
    absl::Time last_scan = absl::InfinitePast();
    std::size_t unreadable = 0;  // Records that are no device; they are left out.
  };

  // Blocks: for the start, before anything is served.
  absl::StatusOr<Loaded> Load();

  // All or nothing. A killed process loses nothing that was saved; a power cut may lose the last
  // seconds, which the next sweep brings back.
  boost::asio::awaitable<absl::Status> Save(DeviceTable::Unsaved unsaved);
  boost::asio::awaitable<absl::Status> SaveLastScan(absl::Time time);

 private:
  boost::asio::awaitable<absl::Status> Apply(std::vector<store::Write> writes);

  store::Store& store_;
  boost::asio::thread_pool& blocking_;
};

}  // namespace tentacle::discovery
