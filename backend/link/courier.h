// Carries down what waits in the database, one session at a time in order. Home thread only.
#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/link/session.h"
#include "backend/metrics.h"
#include "backend/store/node_store.h"
#include "backend/store/site_store.h"
#include "backend/store/task_store.h"
#include "libs/backend_link/messages.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

class Courier {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    runtime::Log log;
    Metrics& metrics;
    NodeStore& nodes;
    TaskStore& tasks;
    SiteStore& sites;
  };

  explicit Courier(Parts parts) : parts_(std::move(parts)) {}

  // Something of this is due; returns at once.
  void Nudge(const SessionPtr& session, const Due& due);
  // Writes one message; a session whose socket cannot take it is closed.
  boost::asio::awaitable<void> Send(SessionPtr session, backend_link::Message message);

 private:
  boost::asio::awaitable<void> Carry(SessionPtr session);
  boost::asio::awaitable<void> CarryConfig(SessionPtr session);
  boost::asio::awaitable<void> CarryTaskNews(SessionPtr session);
  boost::asio::awaitable<void> CarryTable(SessionPtr session);
  boost::asio::awaitable<void> CarryPeers(SessionPtr session);
  boost::asio::awaitable<void> CarryCommands(SessionPtr session);
  void Failed(const Session& session, std::string_view what, const absl::Status& status);

  Parts parts_;
};

}  // namespace tentacle::backend
