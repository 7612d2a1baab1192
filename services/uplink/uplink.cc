#include "services/uplink/uplink.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "libs/rpc/server.h"
#include "libs/text/view.h"
#include "services/uplink/config_trial.h"
#include "services/uplink/connection.h"
#include "services/uplink/desired_store.h"
#include "services/uplink/inbox.h"
#include "services/uplink/metrics.h"
#include "services/uplink/peer_push.h"
#include "services/uplink/peers.h"
#include "services/uplink/removal.h"
#include "services/uplink/together.h"
#include "services/uplink/uplink_service.h"
#include "services/uplink/websocket_link.h"

namespace tentacle::uplink {

namespace asio = boost::asio;

namespace {

absl::StatusOr<identity::Sealer> SealerOf(const std::string& key_file) {
  const auto key = identity::IdentityKey::Load(key_file);
  if (!key.ok()) return key.status();
  return identity::Sealer(*key, "uplink's store");
}

// The next connection is made without pins, and the cache pulls without them.
asio::awaitable<absl::Status> DropPins(runtime::Host& host,
                                       DesiredStore& desired,
                                       std::function<void()> in_force) {
  auto compute = [now = host.clock.Now()](const DesiredState& state) {
    return ForgetPins(state, now);
  };
  auto commit = desired.Commit(std::move(compute), std::nullopt, std::nullopt);
  const auto change = co_await Shield(host.home, std::move(commit));
  if (!change.ok()) co_return change.status();
  host.log.Warning("uplink.pins_forgotten", {});
  in_force();
  co_return absl::OkStatus();
}

}  // namespace

asio::awaitable<absl::Status> Run(runtime::Host& host) {
  Metrics metrics(host.registry);
  const auto socket_of = [&host](std::string_view service) { return host.paths.Socket(service); };
  Peers peers(socket_of, metrics, host.log);

  // backend -> desired state and commands, durable
  const auto find_sealer = [key_file = host.paths.KeyFile()] { return SealerOf(key_file); };
  DesiredStore desired(host.home, host.blocking, host.store, find_sealer);
  if (absl::Status status = desired.Load(); !status.ok()) co_return status;
  host.log.Info("uplink.desired_loaded", {{"tasks", desired.state().tasks.size()},
                                          {"commands", desired.commands().size()},
                                          {"unreadable", desired.unreadable()}});
  Inbox inbox(desired, host.events, host.config, metrics, host.clock, host.log);

  // desired state and commands -> services
  std::array<std::unique_ptr<PeerPush>, kServices.size()> pushes;
  for (const Service service : kServices) {
    pushes[static_cast<std::size_t>(service)] = std::make_unique<PeerPush>(
        host.home, service, peers, desired, host.events, metrics, host.clock, host.log);
  }
  const auto notify = [&pushes](Service service) {
    pushes[static_cast<std::size_t>(service)]->Notify();
  };
  const auto renew = [&pushes](Service service) {
    pushes[static_cast<std::size_t>(service)]->Renew();
  };
  const auto renew_all = [renew] {
    for (const Service service : kServices)
      renew(service);
  };
  Signal peers_changed(host.home);
  const auto on_peer = [&](Service service) {
    // To one that is back for what it has missed; to one that is away so that its return is noticed
    // at once.
    renew(service);
    peers_changed.Notify();
    host.health.Set("peers", true, peers.Summary());
  };
  peers.OnReachability(on_peer);
  host.health.Set("peers", true, peers.Summary());

  // events of the services -> backend, for as long as each connection lasts
  WebSocketLink link(host, metrics);
  pushes[static_cast<std::size_t>(Service::kPxe)]->TellTime([&link] { return link.BackendTime(); });
  const auto get = [&link](std::string path) { return link.Get(std::move(path)); };
  const auto serve = [&](std::shared_ptr<net::WebSocket> socket) {
    return ServeConnection({host.home, std::move(socket), inbox, peers, metrics, peers_changed, get,
                            [&link](const std::string& reason) { link.SetApart(reason); },
                            host.clock, host.log});
  };
  link.OnConnected(serve);
  const auto wipe = [&] { return WipeSecrets(host, desired, renew); };
  link.OnRemoved(wipe);

  // a configuration that touches the link -> proven by a connection, or taken back
  ConfigTrial trial({host.home, desired, link, peers, host.events, metrics, host.clock, host.log});
  const auto on_change = [&](Service service) {
    notify(service);
    trial.Notify();
  };
  inbox.OnChange(on_change);
  trial.OnRevert(renew_all);
  const auto on_step = [&trial] { trial.Notify(); };
  link.OnStep(on_step);
  bool connects_anew = false;  // Once the configuration is in force here.
  const auto on_config = [&] {
    trial.Notify();
    const auto& own = peers.view(Service::kUplink);
    if (!connects_anew || own.pushed_config_revision < desired.state().config_revision) return;
    connects_anew = false;
    link.Reconnect();
  };
  peers.OnConfigInForce(on_config);

  // status -> command line; no pins <- command line
  const auto without_pins = [&] {
    connects_anew = true;
    renew_all();
  };
  const auto forget_pins = [&] { return DropPins(host, desired, without_pins); };
  const auto service = MakeUplinkService(host.home, link, desired, peers, host.config, forget_pins);
  host.rpc.Register(*service);

  std::vector<asio::awaitable<absl::Status>> parts;
  parts.push_back(link.Run());
  parts.push_back(trial.Run());
  for (const auto& push : pushes)
    parts.push_back(push->Run());
  auto together = RunTogether(host.home, std::move(parts));
  co_return co_await std::move(together);
}

std::string AdminListen(const config::v1::TentacleConfig& config) {
  return config.uplink().admin_listen();
}

}  // namespace tentacle::uplink
