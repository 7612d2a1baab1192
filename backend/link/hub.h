// Who is connected, and what goes to and fro. One session per tentacle speaks for it; another
// machine with the same key is kept apart. Home thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/core/arrival_pace.h"
#include "backend/link/courier.h"
#include "backend/link/live_feed.h"
#include "backend/link/presence.h"
#include "backend/link/quarantine.h"
#include "backend/link/replicas.h"
#include "backend/link/session.h"
#include "backend/metrics.h"
#include "backend/store/node_store.h"
#include "backend/store/presence_store.h"
#include "backend/store/report_store.h"
#include "backend/store/site_store.h"
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
    PresenceStore& presence;
    SiteStore& sites;
    LiveFeed& live;
    std::string database_url;
  };

  explicit Hub(Parts parts);

  // Before anything is served: hears the other backends and begins to write who is online.
  void Start();
  // Before a connection is opened. Nothing: now. Otherwise how long to stay away, because too many
  // come at once.
  std::optional<absl::Duration> MayArrive(absl::Time now);
  // Serves the connection of a node whose token has been checked, until it ends.
  boost::asio::awaitable<void> Serve(int node_id,
                                     std::shared_ptr<net::UpgradedConnection> connection);
  // Tells every tentacle when to come back, and lets go of them.
  boost::asio::awaitable<void> Farewell();

  // Messages of the live channel that begin with `prefix` ("shell."), which are not kept; and word
  // that a tentacle's connection ended.
  using LiveHandler = std::function<void(int node_id, const backend_link::Message& message)>;

  void OnLive(std::string prefix, LiveHandler handler, std::function<void(int node_id)> gone) {
    live_.push_back({std::move(prefix), std::move(handler), std::move(gone)});
  }

  // Down the live channel; nothing happens for a tentacle whose connection another backend holds,
  // or nobody.
  void SendLive(int node_id, backend_link::Message message);

  bool IsOnline(int node_id) const { return sessions_.contains(node_id); }

  std::size_t online() const { return sessions_.size(); }

 private:
  enum class Verdict { kLetIn, kQuarantine, kRemoved, kTryLater };

  boost::asio::awaitable<Verdict> Admitted(SessionPtr session);
  boost::asio::awaitable<bool> StillAnswers(SessionPtr session);
  boost::asio::awaitable<bool> IsAlive(int node_id, std::string instance);
  boost::asio::awaitable<void> Attend(SessionPtr session);
  boost::asio::awaitable<void> SayRemoved(SessionPtr session);
  boost::asio::awaitable<void> SayGoodbye(SessionPtr session, std::size_t index, std::size_t of);

  // Until the connection ends; returns why, in words for the page.
  boost::asio::awaitable<std::string> ReadAll(SessionPtr session);
  boost::asio::awaitable<void> Handle(SessionPtr session, std::string text);
  boost::asio::awaitable<void> OnAck(SessionPtr session, std::string id);
  boost::asio::awaitable<void> ApplyReports(SessionPtr session);
  // Acknowledges, or ends the connection when it is not in the database.
  boost::asio::awaitable<void> OnApplied(SessionPtr session,
                                         backend_link::Message message,
                                         absl::StatusOr<Applied> applied);
  void NoteUnknown(int node_id, const std::string& type);
  // How many events it may have under way from now on, if that has changed much.
  boost::asio::awaitable<void> Grant(SessionPtr session);

  SessionPtr Find(int node_id) const;
  void Disconnect(const SessionPtr& session);

  void OnDue(int node_id, const Due& due);
  void OnRemoved(int node_id);
  void OnGap();
  // True: it was of the live channel.
  bool TakeLive(int node_id, const backend_link::Message& message);
  void TellGone(int node_id);

  Parts parts_;
  Courier courier_;
  Presence presence_;
  Replicas replicas_;
  Quarantine quarantine_;
  std::mt19937_64 random_;
  ArrivalPace pace_;
  std::map<int, SessionPtr> sessions_;
  std::set<std::string> unknown_types_;
  bool stopping_ = false;

  struct LiveRoute {
    std::string prefix;
    LiveHandler handler;
    std::function<void(int)> gone;
  };

  std::vector<LiveRoute> live_;
};

}  // namespace tentacle::backend
