// Holds the connection to the backend: waits for an identity, connects, serves, backs off.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/identity/identity.h"
#include "libs/net/http_client.h"
#include "libs/net/websocket.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/host.h"
#include "libs/runtime/log.h"
#include "services/uplink/connection.h"
#include "services/uplink/core/link_state.h"
#include "services/uplink/metrics.h"
#include "services/uplink/signal.h"

namespace tentacle::uplink {

// Who we are and whom we connect to.
struct LinkIdentity {
  identity::IdentityKey key;
  std::string node_id;
  std::string backend_url;
  net::TlsOptions tls;
};

// Home thread only.
class WebSocketLink {
 public:
  // Serves one connection until it is over.
  using Serve =
      std::function<boost::asio::awaitable<ConnectionEnd>(std::shared_ptr<net::WebSocket>)>;

  // `host` must outlive the link; it reads configuration, key file and clock from it.
  WebSocketLink(runtime::Host& host, Metrics& metrics);

  // Before Run().
  void OnConnected(Serve serve) { serve_ = std::move(serve); }

  // Until cancelled.
  boost::asio::awaitable<absl::Status> Run();

  // Ends the connection, if there is one, and makes the next one at once.
  void Reconnect();

  // A route of the backend, as this tentacle. FailedPrecondition while there is no identity.
  boost::asio::awaitable<absl::StatusOr<net::ClientReply>> Get(std::string path);

  // Called when the backend has removed this tentacle, before the link looks for an identity again.
  void OnRemoved(std::function<boost::asio::awaitable<void>()> callback) {
    on_removed_ = std::move(callback);
  }

  // By the backend's clock, as far as a connection or a refusal has told it; nothing: not yet.
  std::optional<absl::Time> BackendTime() const;

  // The connection stands, but another machine speaks for this tentacle.
  void SetApart(const std::string& reason);

  // Called after each step of the link.
  void OnStep(std::function<void()> callback) { on_step_ = std::move(callback); }

  const LinkMachine& machine() const { return machine_; }

  const std::string& backend_url() const { return backend_url_; }

  const std::string& node_id() const { return node_id_; }

 private:
  struct Outcome {
    LinkEvent event;
    std::string reason;
    std::optional<absl::Duration> asked;  // The backend wants to be left alone for so long.
  };

  boost::asio::awaitable<Outcome> FindIdentity();
  boost::asio::awaitable<Outcome> Connect();
  boost::asio::awaitable<Outcome> ServeConnection();
  boost::asio::awaitable<void> Removed();
  // A refusal told the backend's time: a clock that is off would be refused for ever.
  void LearnTime(const absl::Status& refusal);
  void Publish();

  runtime::Host& host_;
  Metrics& metrics_;
  Serve serve_;
  std::mt19937_64 random_;
  LinkMachine machine_;
  Signal pause_;
  std::optional<LinkIdentity> identity_;
  std::shared_ptr<net::WebSocket> socket_;
  // What the backend's clock is ahead of ours, when ours is too far off to sign with.
  absl::Duration clock_offset_ = absl::ZeroDuration();
  std::optional<absl::Duration> backend_ahead_;  // Of the steady clock.
  std::weak_ptr<net::WebSocket> serving_;
  bool at_once_ = false;
  bool removed_ = false;  // By the backend; until there is another identity.
  std::function<void()> on_step_;
  std::function<boost::asio::awaitable<void>()> on_removed_;
  std::string instance_;  // Of this process; tells a copy of this machine apart.
  std::string backend_url_;
  std::string node_id_;
};

}  // namespace tentacle::uplink
