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
#include "libs/net/websocket.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/host.h"
#include "libs/runtime/log.h"
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
  // Serves one connection until it is over; says why it is.
  using Serve =
      std::function<boost::asio::awaitable<absl::Status>(std::shared_ptr<net::WebSocket>)>;

  // `host` must outlive the link; it reads configuration, key file and clock from it.
  WebSocketLink(runtime::Host& host, Metrics& metrics, Serve serve);

  // Until cancelled.
  boost::asio::awaitable<absl::Status> Run();

  const LinkMachine& machine() const { return machine_; }

  const std::string& backend_url() const { return backend_url_; }

  const std::string& node_id() const { return node_id_; }

 private:
  struct Outcome {
    LinkEvent event;
    std::string reason;
  };

  boost::asio::awaitable<Outcome> FindIdentity();
  boost::asio::awaitable<Outcome> Connect();
  boost::asio::awaitable<Outcome> ServeConnection();
  void Publish();

  runtime::Host& host_;
  Metrics& metrics_;
  Serve serve_;
  std::mt19937_64 random_;
  LinkMachine machine_;
  Signal pause_;
  std::optional<LinkIdentity> identity_;
  std::shared_ptr<net::WebSocket> socket_;
  std::string backend_url_;
  std::string node_id_;
};

}  // namespace tentacle::uplink
