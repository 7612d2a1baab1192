// Who is connected, and what goes to and fro. One session per tentacle. Home thread only.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/link/live_feed.h"
#include "backend/metrics.h"
#include "backend/store/node_store.h"
#include "backend/store/report_store.h"
#include "backend/store/task_store.h"
#include "libs/backend_link/messages.h"
#include "libs/net/websocket.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

class Hub {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    runtime::Log log;
    Metrics& metrics;
    NodeStore& nodes;
    TaskStore& tasks;
    ReportStore& reports;
    LiveFeed& live;
  };
  explicit Hub(Parts parts) : parts_(std::move(parts)) {}

  // Serves the connection of a node whose token has been checked, until it ends.
  boost::asio::awaitable<void> Serve(int node_id, std::shared_ptr<net::UpgradedConnection> connection);

  // Downward; nothing happens for a tentacle that is away: it gets the whole state when it comes.
  void Send(int node_id, backend_link::Message message);
  // The whole table of its tasks.
  boost::asio::awaitable<void> SyncTasks(int node_id);
  boost::asio::awaitable<void> SendConfig(int node_id);
  void Disconnect(int node_id);
  std::size_t online() const { return sessions_.size(); }

 private:
  boost::asio::awaitable<void> Greet(int node_id);
  // Until the connection ends; returns why, in words for the page.
  boost::asio::awaitable<std::string> ReadAll(int node_id, std::shared_ptr<net::WebSocket> socket);
  // DataLoss: the report is not in the database, and the connection is to end.
  boost::asio::awaitable<absl::Status> Handle(int node_id, std::shared_ptr<net::WebSocket> socket, std::string text);
  boost::asio::awaitable<void> Deliver(std::shared_ptr<net::WebSocket> socket, std::string text);
  boost::asio::awaitable<absl::Status> SetPresence(int node_id, bool online, std::string reason);

  Parts parts_;
  std::map<int, std::shared_ptr<net::WebSocket>> sessions_;
  std::set<std::string> unknown_types_;
};

}  // namespace tentacle::backend
