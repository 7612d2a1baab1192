#include "services/uplink/connection.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "services/uplink/limits.h"
#include "services/uplink/together.h"

namespace tentacle::uplink {

namespace asio = boost::asio;

Connection::Connection(const ConnectionParts& parts)
    : home_(parts.home),
      session_(parts.socket, parts.metrics, parts.log),
      inbox_(parts.inbox),
      metrics_(parts.metrics),
      gate_(parts.home, Flow(limits::kDefaultWindow, limits::kMaxWindow)),
      acks_(limits::kPlainPeerAfter, limits::kAckStall),
      beat_(parts.home,
            session_,
            parts.peers,
            parts.metrics,
            parts.peers_changed,
            ThroughputProbe(parts.get, parts.peers, parts.metrics, parts.clock)),
      live_(parts.home, session_, parts.peers, parts.metrics),
      never_(parts.home),
      on_set_apart_(parts.on_set_apart) {
  for (const Service service : kServices) {
    for (const events::Priority lane : events::kLanes) {
      pumps_.push_back(std::make_unique<EventPump>(parts.home, service, lane, session_, gate_,
                                                   acks_, parts.peers, parts.metrics, parts.clock,
                                                   parts.log));
    }
  }
  metrics_.Window(gate_.flow().window());
}

asio::awaitable<absl::Status> Connection::Run() {
  std::vector<asio::awaitable<absl::Status>> parts;
  parts.push_back(CloseWhenCancelled());
  parts.push_back(ReadLoop());
  parts.push_back(beat_.Run());
  parts.push_back(live_.CarryUp());
  parts.push_back(live_.CarryDown());
  for (const auto& pump : pumps_) {
    parts.push_back(pump->Carry());
    parts.push_back(pump->Confirm());
  }
  auto together = RunTogether(home_, std::move(parts));
  co_return co_await std::move(together);
}

asio::awaitable<absl::Status> Connection::ReadLoop() {
  for (;;) {
    auto message = co_await session_.Receive();
    if (!message.ok()) co_return message.status();
    if (live_.Take(*message)) continue;
    std::vector<Action> actions = Route(*message);
    if (TakeOwn(actions.front())) continue;
    if (removed_) co_return absl::PermissionDeniedError("this tentacle was removed");
    const std::optional<std::string> id = message->id;
    auto take = inbox_.Take(*std::move(message), std::move(actions));
    const bool settled = co_await Shield(home_, std::move(take));
    if (!settled || !id) continue;
    const absl::Status sent = co_await session_.SendAck(*id);
    if (!sent.ok()) co_return sent;
  }
}

asio::awaitable<absl::Status> Connection::CloseWhenCancelled() {
  for (;;) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
    co_await never_.Wait(absl::InfiniteDuration());
  }
  session_.Close();
  co_return absl::CancelledError("stopped");
}

bool Connection::TakeOwn(const Action& action) {
  if (const auto* acked = std::get_if<AckedAction>(&action)) {
    OnAck(acked->id);
    return true;
  }
  if (const auto* credit = std::get_if<CreditAction>(&action)) {
    gate_.Grant(credit->events);
    metrics_.Window(gate_.flow().window());
    return true;
  }
  if (const auto* goodbye = std::get_if<GoodbyeAction>(&action)) {
    reconnect_after_ = goodbye->reconnect_after;
    return true;
  }
  if (const auto* apart = std::get_if<QuarantineAction>(&action)) {
    // What was written meanwhile is not lost: it comes again with the next connection.
    gate_.Grant(0);
    acks_.Suspend();
    metrics_.Window(0);
    on_set_apart_(apart->reason);
    return true;
  }
  removed_ = removed_ || std::holds_alternative<RemovedAction>(action);
  return false;
}

void Connection::OnAck(const std::string& id) {
  const auto event = ParseEventId(id);
  // The epoch of the id is that of one lane only.
  const bool expected =
      event && std::any_of(pumps_.begin(), pumps_.end(),
                           [&event](const auto& pump) { return pump->OnAck(*event); });
  metrics_.AckReceived(expected);
}

asio::awaitable<ConnectionEnd> ServeConnection(ConnectionParts parts) {
  Connection connection(parts);
  auto run = connection.Run();
  absl::Status reason = co_await std::move(run);
  co_return ConnectionEnd{std::move(reason), connection.reconnect_after(), connection.removed()};
}

}  // namespace tentacle::uplink
