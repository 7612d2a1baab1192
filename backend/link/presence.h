// Who is online and how they are, kept in memory and written in batches: while one batch is being
// committed the next one gathers. Home thread only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/link/live_feed.h"
#include "backend/link/session.h"
#include "backend/metrics.h"
#include "backend/store/presence_store.h"
#include "libs/backend_link/messages.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

class Presence {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    runtime::Log log;
    Metrics& metrics;
    PresenceStore& store;
    LiveFeed& live;
  };

  explicit Presence(Parts parts);

  // Return when it is committed. NotFound: the node was removed. Unavailable: it is tried again by
  // itself.
  boost::asio::awaitable<absl::Status> SetOnline(SessionPtr session, std::string reason);
  boost::asio::awaitable<absl::Status> SetOffline(int node_id, std::string reason);
  // Said again after the database may have been told otherwise.
  void StillOnline(int node_id);
  // `status` and `link`: what comes of every tentacle every minute. Written within a second.
  void Beat(int node_id, const backend_link::Message& message);

  // Writes for as long as the process lives.
  boost::asio::awaitable<void> Run();

 private:
  struct Batch {
    explicit Batch(boost::asio::any_io_executor home);
    std::map<int, PresenceRow> rows;
    boost::asio::steady_timer written;  // Cancelled when it is.
    absl::Status status;
    std::set<int> found;
  };

  PresenceRow& Row(int node_id);
  boost::asio::awaitable<absl::Status> Written(std::shared_ptr<Batch> batch, int node_id);
  boost::asio::awaitable<void> Flush(std::shared_ptr<Batch> batch);
  absl::Status WriteAll(Batch& batch);
  void Restore(const Batch& batch);

  Parts parts_;
  std::shared_ptr<Batch> next_;
  boost::asio::steady_timer wake_;
  bool urgent_ = false;
};

}  // namespace tentacle::backend
