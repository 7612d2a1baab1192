// One connection of a tentacle, and what is due on it.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>

#include <absl/status/status.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "backend/core/event_window.h"
#include "libs/backend_link/messages.h"
#include "libs/net/websocket.h"

namespace tentacle::backend {

// What a tentacle is to be told; all of it lies in the database.
struct Due {
  bool config = false;
  bool tasks = false;     // The whole table.
  bool commands = false;  // Those that it has not acknowledged.
  bool peers = false;     // The tentacles of its site.
  std::deque<int> new_tasks;
  std::deque<int> cancelled_tasks;

  bool any() const {
    return config || tasks || commands || peers || !new_tasks.empty() || !cancelled_tasks.empty();
  }

  // What a connection begins with; the notification that it has arrived brings the peers.
  static Due Greeting() {
    Due due;
    due.config = due.tasks = due.commands = true;
    return due;
  }

  static Due Everything() {
    Due due = Greeting();
    due.peers = true;
    return due;
  }
};

// Home thread only.
struct Session {
  explicit Session(boost::asio::any_io_executor home) : room(std::move(home)) {}

  int node_id = 0;
  std::string instance;  // "" for a tentacle that does not say.
  std::string address;
  std::shared_ptr<net::WebSocket> socket;
  std::size_t window = kUngrantedWindow;
  Due due;
  bool carrying = false;
  // Reports that wait for the database, in order.
  std::deque<backend_link::Message> reports;
  bool applying = false;
  absl::Status end;                // Why we ended it ourselves.
  boost::asio::steady_timer room;  // Cancelled when reports have gone.
  // Commands that went out on this connection and are not acknowledged: they go out once.
  std::set<std::string> sent;
  // And that were acknowledged since the table of commands was read last: no more than went out
  // then.
  std::set<std::string> acknowledged;
  bool more_commands = false;  // Not all of them went out at once.
};

using SessionPtr = std::shared_ptr<Session>;

}  // namespace tentacle::backend
