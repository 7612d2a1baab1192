// Which orders of shells have been used, in the service's RocksDB: "shell/<session>" holds when the
// order expired, as Unix seconds. An order opens one shell, whatever happens to the agent
// meanwhile.
#pragma once

#include <set>
#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/runtime/clock.h"
#include "libs/store/store.h"

namespace tentacle::agent {

// Home thread; the disk is touched on the blocking pool.
class ShellOrders {
 public:
  // All must outlive it.
  ShellOrders(store::Store& store, boost::asio::thread_pool& blocking, const runtime::Clock& clock)
      : store_(store), blocking_(blocking), clock_(clock) {}

  // OK once for each session, when a power cut cannot make it be forgotten. PermissionDenied: it
  // was used before, or may be kept for longer than its use is remembered. ResourceExhausted and
  // the store's errors: it cannot be written down.
  boost::asio::awaitable<absl::Status> Use(std::string session, absl::Time expires_at);

 private:
  store::Store& store_;
  boost::asio::thread_pool& blocking_;
  const runtime::Clock& clock_;
  std::set<std::string> being_used_;  // Not in the store yet.
};

}  // namespace tentacle::agent
