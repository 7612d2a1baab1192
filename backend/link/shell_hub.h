// Remote shells between a viewer's WebSocket and a tentacle: one-time tickets, frames to and fro,
// and the flow: what a tentacle prints is confirmed to it when the viewer's socket has taken it,
// and a viewer is read only as fast as the shell reads. Home thread only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "backend/link/hub.h"
#include "backend/link/live_feed.h"
#include "backend/metrics.h"
#include "backend/store/shell_store.h"
#include "libs/identity/identity.h"
#include "libs/net/websocket.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

struct ShellRequest {
  int node_id = 0;
  std::string user;
  std::string reason;
  std::string opened_by;  // A sentence's worth, for people.
  std::string asked_by;   // The name of the key.
  int columns = 80;
  int rows = 24;
};

class ShellHub {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    runtime::Log log;
    Metrics& metrics;
    ShellStore& shells;
    Hub& hub;
    LiveFeed& live;
    identity::IdentityKey signing_key;
    bool needs_approval = false;  // Of a second person, for each shell.
  };

  // Takes what tentacles say about shells from `hub` from here on; must outlive it.
  explicit ShellHub(Parts parts);

  struct Ticket {
    std::string session;
    std::string secret;  // Shown once. "": somebody else has to approve the session first.
    absl::Time expires_at;
  };

  // Writes the session down. NotFound: node; Unavailable: it is not connected, or too many shells
  // are open.
  boost::asio::awaitable<absl::StatusOr<Ticket>> Ask(ShellRequest request);
  // PermissionDenied, NotFound, FailedPrecondition: as ShellStore::Approve().
  boost::asio::awaitable<absl::Status> Approve(std::string session, std::string by);
  // Of a session that was approved, for who asked for it. FailedPrecondition: not yet. NotFound.
  boost::asio::awaitable<absl::StatusOr<Ticket>> TakeTicket(std::string session,
                                                            std::string asked_by);
  // The session of a ticket, once. NotFound when it is unknown, used or too old.
  absl::StatusOr<std::string> Redeem(const std::string& secret);
  // Serves a viewer until one of both ends is gone.
  boost::asio::awaitable<void> Serve(std::string session,
                                     std::shared_ptr<net::UpgradedConnection> connection);

 private:
  struct Session;
  using SessionPtr = std::shared_ptr<Session>;

  void OnMessage(int node_id, const backend_link::Message& message);
  void OnGone(int node_id);
  // Why there is no shell yet ("" when it was asked for).
  std::string Order(const Session& session);
  static boost::asio::awaitable<void> WriteViewer(ShellHub* hub, SessionPtr session);
  boost::asio::awaitable<void> ReadViewer(SessionPtr session);
  boost::asio::awaitable<bool> TakeViewerMessage(SessionPtr session, std::string text);
  void Close(const SessionPtr& session, const std::string& reason);
  boost::asio::awaitable<void> WriteEnd(std::string session, std::string reason);
  Ticket MakeTicket(Session& session);
  void ForgetStale();
  void Tell(const Session& session, std::string type, boost::json::object body);

  Parts parts_;
  std::map<std::string, SessionPtr> sessions_;  // Asked for or open.
  std::map<std::string, std::string> tickets_;  // SHA-256 of the secret -> session.
};

}  // namespace tentacle::backend
