// Probable clones: connected and told why, but nothing of them counts and nothing goes down. Home
// thread only.
#pragma once

#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/link/courier.h"
#include "backend/link/live_feed.h"
#include "backend/link/session.h"
#include "backend/metrics.h"
#include "backend/store/presence_store.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

class Quarantine {
 public:
  struct Parts {
    boost::asio::thread_pool& blocking;
    runtime::Log log;
    Metrics& metrics;
    PresenceStore& store;
    LiveFeed& live;
    Courier& courier;
  };

  explicit Quarantine(Parts parts) : parts_(std::move(parts)) {}

  // Until its connection ends, or the one who has the identity has been away for so long that the
  // next connection is to be let in.
  boost::asio::awaitable<void> Keep(SessionPtr session);
  // A person has dealt with it.
  void Release(int node_id);

  const std::vector<SessionPtr>& All() const { return sessions_; }

 private:
  boost::asio::awaitable<bool> Record(SessionPtr session, bool connected);

  Parts parts_;
  std::vector<SessionPtr> sessions_;
};

}  // namespace tentacle::backend
