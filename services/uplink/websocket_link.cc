#include "services/uplink/websocket_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/backend_link/messages.h"
#include "libs/net/clock_floor.h"
#include "libs/net/retry_after.h"
#include "libs/text/view.h"
#include "services/uplink/identity_file.h"
#include "services/uplink/limits.h"
#include "services/uplink/together.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;

constexpr char kPath[] = "/api/v1/tentacles/ws";

retry::BackoffPolicy PolicyFrom(const config::v1::UplinkConfig& config) {
  return {absl::Milliseconds(config.backoff_base_ms()),
          absl::Milliseconds(config.backoff_cap_ms())};
}

std::string LinkUrl(std::string_view backend_url) {
  while (backend_url.ends_with('/'))
    backend_url.remove_suffix(1);
  return fmt::format("{}{}", backend_url, kPath);
}

net::WebSocketLimits LimitsFrom(const config::v1::UplinkConfig& config) {
  net::WebSocketLimits limits;
  limits.message_bytes = backend_link::kMaxMessageBytes;
  if (config.ping_interval_s() > 0) limits.ping_interval = absl::Seconds(config.ping_interval_s());
  return limits;
}

}  // namespace

WebSocketLink::WebSocketLink(runtime::Host& host, Metrics& metrics)
    : host_(host),
      metrics_(metrics),
      random_(std::random_device{}()),
      machine_(PolicyFrom(host.config.current().uplink()), limits::kStableAfter),
      pause_(host.home),
      instance_(InstanceName()) {}

asio::awaitable<absl::Status> WebSocketLink::Run() {
  Outcome outcome = co_await FindIdentity();
  for (;;) {
    std::uniform_real_distribution<double> spread(0.0, 1.0);
    const auto step = machine_.On(outcome.event, std::move(outcome.reason), host_.clock.Now(),
                                  spread(random_), outcome.asked);
    Publish();
    switch (step.act) {
      case LinkAct::kWaitForIdentity:
        co_await pause_.Wait(limits::kIdentityRecheck);
        outcome = co_await FindIdentity();
        break;
      case LinkAct::kConnect:
        outcome = co_await Connect();
        break;
      case LinkAct::kServe:
        outcome = co_await ServeConnection();
        break;
      case LinkAct::kWaitAndRetry:
        metrics_.ReconnectDelay(absl::ToDoubleSeconds(step.delay));
        if (!std::exchange(at_once_, false)) co_await pause_.Wait(step.delay);
        outcome = co_await FindIdentity();
        break;
      case LinkAct::kServeOn:  // Of SetApart() alone: the connection is being served.
      case LinkAct::kIgnore:
        co_return absl::InternalError(
            fmt::format("the link has nothing to do in state {}", Name(machine_.state())));
    }
  }
}

asio::awaitable<WebSocketLink::Outcome> WebSocketLink::FindIdentity() {
  const config::v1::TentacleConfig config = host_.config.current();
  auto read = [paths = host_.paths, config] { return ReadIdentity(paths, config); };
  auto found = co_await async::OnPool(host_.blocking, std::move(read));
  if (!found.ok()) {
    identity_.reset();
    const std::string reason(text::Message(found.status()));
    co_return Outcome{LinkEvent::kIdentityMissing,
                      removed_ ? fmt::format("removed from the backend; {}", reason) : reason,
                      std::nullopt};
  }
  removed_ = false;
  identity_ = *std::move(found);
  backend_url_ = identity_->backend_url;
  node_id_ = identity_->node_id;
  co_return Outcome{LinkEvent::kIdentityFound, fmt::format("connecting to {}", backend_url_),
                    std::nullopt};
}

asio::awaitable<WebSocketLink::Outcome> WebSocketLink::Connect() {
  // A token lives for minutes only, so each attempt has its own.
  const std::string token =
      identity::MakeToken(identity_->key, identity_->node_id, host_.clock.Now() + clock_offset_);
  net::HeaderList headers = {{"Authorization", fmt::format("Bearer {}", token)},
                             {"X-Octofleet-Instance", instance_}};
  const auto& config = host_.config.current().uplink();
  auto connected = co_await net::WebSocket::Connect(
      host_.home, LinkUrl(backend_url_), std::move(headers), identity_->tls, LimitsFrom(config));
  metrics_.Connect(connected.status());
  if (!connected.ok()) {
    LearnTime(connected.status());
    const std::string reason(text::Message(connected.status()));
    host_.log.Warning("uplink.connect_failed", {{"backend", backend_url_}, {"reason", reason}});
    if (net::ProblemType(connected.status()) == backend_link::kRemovedProblem) co_await Removed();
    co_return Outcome{LinkEvent::kConnectFailed, reason, net::RetryAfter(connected.status())};
  }
  // Only what a certificate has vouched for: a clock that is ahead must not be remembered.
  if (backend_url_.starts_with("https:") && clock_offset_ == absl::ZeroDuration()) {
    auto remember = [dir = host_.paths.state_dir, now = host_.clock.Now()] {
      net::RememberGoodTime(dir, std::max(now, net::ClockFloor(dir)));
      return true;
    };
    co_await async::OnPool(host_.blocking, std::move(remember));
  }
  socket_ = *std::move(connected);
  // It took the token, so its clock is what this was signed by, give or take what it forgives.
  backend_ahead_ = host_.clock.Now() + clock_offset_ - host_.clock.Steady();
  host_.log.Info("uplink.connected", {{"backend", backend_url_}, {"node", node_id_}});
  co_return Outcome{LinkEvent::kConnected, fmt::format("connected to {}", backend_url_),
                    std::nullopt};
}

asio::awaitable<WebSocketLink::Outcome> WebSocketLink::ServeConnection() {
  metrics_.Connected(true);
  serving_ = socket_;
  at_once_ = false;
  pause_.Forget();
  auto serving = serve_(std::exchange(socket_, nullptr));
  const ConnectionEnd ended = co_await std::move(serving);
  metrics_.Connected(false);
  if (ended.removed) co_await Removed();
  const std::string reason =
      ended.reconnect_after ? fmt::format("the backend said goodbye and asked to come back in {}",
                                          absl::FormatDuration(*ended.reconnect_after))
                            : fmt::format("the connection ended: {}", text::Message(ended.reason));
  host_.log.Warning("uplink.disconnected", {{"backend", backend_url_}, {"reason", reason}});
  co_return Outcome{LinkEvent::kLost, reason, ended.reconnect_after};
}

asio::awaitable<absl::StatusOr<net::ClientReply>> WebSocketLink::Get(std::string path) {
  if (!identity_) co_return absl::FailedPreconditionError("not enrolled");
  const std::string token =
      identity::MakeToken(identity_->key, identity_->node_id, host_.clock.Now() + clock_offset_);
  std::string_view base = backend_url_;
  while (base.ends_with('/'))
    base.remove_suffix(1);
  net::ClientRequest request;
  request.url = fmt::format("{}{}", base, path);
  request.headers = {{"Authorization", fmt::format("Bearer {}", token)}};
  request.tls = identity_->tls;
  auto fetch = [request = std::move(request)] { return net::Fetch(request); };
  co_return co_await async::OnPool(host_.blocking, std::move(fetch));
}

asio::awaitable<void> WebSocketLink::Removed() {
  removed_ = true;
  auto wipe = on_removed_();
  co_await Shield(host_.home, std::move(wipe));
}

void WebSocketLink::SetApart(const std::string& reason) {
  host_.log.Error("uplink.quarantined", {{"backend", backend_url_}, {"reason", reason}});
  machine_.On(LinkEvent::kSetApart, reason, host_.clock.Now(), 0);
  Publish();
}

void WebSocketLink::LearnTime(const absl::Status& refusal) {
  const auto server_time = net::ServerTime(refusal);
  if (!absl::IsUnauthenticated(refusal) || !server_time) return;
  const absl::Duration ahead = *server_time - host_.clock.Now();
  backend_ahead_ = *server_time - host_.clock.Steady();
  const bool off = absl::AbsDuration(ahead) > limits::kClockTolerance;
  clock_offset_ = off ? ahead : absl::ZeroDuration();
  metrics_.ClockOffset(absl::ToDoubleSeconds(ahead));
  const std::string sentence =
      off ? fmt::format(
                "this machine's clock is {} {} the backend's; tokens are signed by the backend's "
                "time",
                absl::FormatDuration(absl::Trunc(absl::AbsDuration(ahead), absl::Seconds(1))),
                ahead > absl::ZeroDuration() ? "behind" : "ahead of")
          : "";
  host_.health.Set("clock", true, sentence);
  if (off)
    host_.log.Warning("uplink.clock_off",
                      {{"ahead_seconds", absl::ToInt64Seconds(-ahead)}, {"reason", sentence}});
}

std::optional<absl::Time> WebSocketLink::BackendTime() const {
  if (!backend_ahead_) return std::nullopt;
  return host_.clock.Steady() + *backend_ahead_;
}

void WebSocketLink::Reconnect() {
  if (const auto socket = serving_.lock()) {
    at_once_ = true;
    return socket->Close();
  }
  // It waits for its next attempt, or makes one already.
  pause_.Notify();
}

void WebSocketLink::Publish() {
  if (on_step_) on_step_();
  const LinkState state = machine_.state();
  const bool enrolled = state != LinkState::kNotEnrolled;
  const auto& conditions = host_.health.conditions();
  const auto before = conditions.find("enrolled");
  if (!enrolled && (before == conditions.end() || before->second.ok)) {
    host_.log.Warning("uplink.not_enrolled", {{"reason", machine_.reason()}});
  }
  host_.health.Set("enrolled", enrolled, enrolled ? "" : machine_.reason());
  host_.health.Set("backend_link", state == LinkState::kOnline,
                   fmt::format("{}: {}", Name(state), machine_.reason()));
}

}  // namespace tentacle::uplink
