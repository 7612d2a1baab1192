// The other backends on the same database: what concerns a tentacle is told to all, and whoever
// holds its connection acts. Home thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/link/live_feed.h"
#include "backend/link/session.h"
#include "backend/metrics.h"
#include "backend/store/notifications.h"
#include "backend/store/presence_store.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

class Replicas {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    runtime::Log log;
    Metrics& metrics;
    PresenceStore& store;
    LiveFeed& live;
    std::string database_url;
  };

  // What a hub does about it.
  struct Handlers {
    std::function<void(int node_id, const Due& due)> on_due;
    std::function<void(int node_id)> on_removed;
    std::function<void(int node_id)> on_clone_forgotten;
    // Another backend has a connection of this node; is the one here alive? The same process
    // elsewhere means that ours is dead.
    std::function<boost::asio::awaitable<bool>(int node_id, std::string instance)> is_alive;
    // News may have been missed.
    std::function<void()> on_gap;
  };

  explicit Replicas(Parts parts);

  void Start(Handlers handlers);
  // Says every few seconds that this backend lives, and tidies up after those that do not.
  boost::asio::awaitable<void> Run();

  // Waits until the others can know of this backend, for they take what is online at an unknown one
  // for lost. False when the database does not answer in time.
  boost::asio::awaitable<bool> Known();

  // Tentacles that there are, as far as is known.
  std::size_t fleet() const { return fleet_; }

  // Asks the backend that has the node online. False: it is gone, or does not answer in time.
  boost::asio::awaitable<bool> IsAliveElsewhere(std::string replica,
                                                int node_id,
                                                std::string instance);

 private:
  struct Question {
    explicit Question(boost::asio::any_io_executor home) : answered(std::move(home)) {}

    boost::asio::steady_timer answered;
    bool alive = false;
  };

  bool known() const { return listening_ && registered_; }

  void BecameKnown();
  void OnPayload(const std::string& payload);
  boost::asio::awaitable<void> Answer(std::string to,
                                      int node_id,
                                      std::string instance,
                                      std::string question);
  boost::asio::awaitable<void> Tell(std::string payload);
  void QueueLive(const Change& change, std::string_view tentacle_id);
  boost::asio::awaitable<void> TellLive();

  Parts parts_;
  Handlers handlers_;
  std::unique_ptr<Notifications> notifications_;
  std::map<std::string, std::shared_ptr<Question>> questions_;
  std::size_t others_ = 0;
  std::size_t fleet_ = 0;
  bool listening_ = false;   // The connection for notifications has been there.
  bool registered_ = false;  // So has the row that says that this backend lives.
  // Of Known(); one a session that arrives.
  std::vector<std::shared_ptr<boost::asio::steady_timer>> waiting_;
  std::vector<std::string> live_;
  bool telling_live_ = false;
};

}  // namespace tentacle::backend
