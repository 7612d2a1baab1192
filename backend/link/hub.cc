#include "backend/link/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <absl/time/clock.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "backend/core/admission.h"
#include "backend/core/offline_reason.h"
#include "backend/core/reconnect_slot.h"
#include "libs/async/on_pool.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
using backend_link::Message;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kInstanceHeader[] = "X-Octofleet-Instance";
constexpr std::size_t kMaxInstanceBytes = 128;
// One transaction; more would hold its locks for longer than a person waits for a page.
constexpr std::size_t kBatch = 32;
// In memory of one session, each of at most 1 MiB.
constexpr std::size_t kMaxReports = 64;
constexpr std::size_t kMaxUnknownTypes = 64;  // Logged once each; more are only counted.
// Longer than a line with three lost packets takes, shorter than the 10 s after which a tentacle
// takes a silent backend for one that cannot acknowledge.
constexpr absl::Duration kProbe = absl::Seconds(4);
// Goodbyes that are not written by then are left to themselves.
constexpr auto kFarewell = std::chrono::seconds(2);
// A line's way: what is closed with unread bytes is reset, and a goodbye on its way is lost with
// it.
// Longer as well than a heartbeat waits for its batch (presence.cc): the last word about who is
// online is Stop()'s.
constexpr auto kFarewellWay = std::chrono::milliseconds(1200);
constexpr auto kRemovedWay = std::chrono::milliseconds(500);

std::string InstanceOf(const net::HttpRequest& request) {
  const std::string_view given = request.Header(kInstanceHeader);
  if (given.size() > kMaxInstanceBytes) return "";
  const bool printable =
      std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c < 127; });
  return printable ? std::string(given) : "";
}

}  // namespace

Hub::Hub(Parts parts)
    : parts_(std::move(parts)),
      courier_({parts_.home, parts_.blocking, parts_.log, parts_.metrics, parts_.nodes,
                parts_.tasks, parts_.sites}),
      presence_(
          {parts_.home, parts_.blocking, parts_.log, parts_.metrics, parts_.presence, parts_.live}),
      replicas_({parts_.home, parts_.blocking, parts_.log, parts_.metrics, parts_.presence,
                 parts_.live, parts_.database_url}),
      quarantine_(
          {parts_.blocking, parts_.log, parts_.metrics, parts_.presence, parts_.live, courier_}),
      random_(std::random_device{}()) {}

void Hub::Start() {
  Replicas::Handlers handlers;
  handlers.on_due = [this](int node, const Due& due) { OnDue(node, due); };
  handlers.on_removed = [this](int node) { OnRemoved(node); };
  handlers.on_clone_forgotten = [this](int node) { quarantine_.Release(node); };
  handlers.is_alive = [this](int node, std::string instance) {
    return IsAlive(node, std::move(instance));
  };
  handlers.on_gap = [this] { OnGap(); };
  replicas_.Start(std::move(handlers));
  auto write = presence_.Run();
  asio::co_spawn(parts_.home, std::move(write), asio::detached);
  auto live = replicas_.Run();
  asio::co_spawn(parts_.home, std::move(live), asio::detached);
}

asio::awaitable<void> Hub::Serve(int node_id, std::shared_ptr<net::UpgradedConnection> connection) {
  auto session = std::make_shared<Session>(parts_.home);
  session->node_id = node_id;
  session->address = connection->request.remote_ip;
  session->instance = InstanceOf(connection->request);
  auto accepted = co_await net::WebSocket::Accept(std::move(connection), {});
  if (!accepted.ok()) {
    parts_.metrics.Session("handshake_failed");
    co_return;
  }
  session->socket = *std::move(accepted);
  if (stopping_) {
    co_await SayGoodbye(session, 0, 1);
    co_return session->socket->Close();
  }
  const Verdict verdict = co_await Admitted(session);
  switch (verdict) {
    case Verdict::kLetIn:
      co_await Attend(session);
      break;
    case Verdict::kQuarantine:
      co_await quarantine_.Keep(session);
      break;
    case Verdict::kRemoved:
      co_await SayRemoved(session);
      break;
    case Verdict::kTryLater:
      session->socket->Close();
      break;
  }
}

asio::awaitable<Hub::Verdict> Hub::Admitted(SessionPtr session) {
  const bool known = co_await replicas_.Known();
  if (!known) co_return Verdict::kTryLater;
  auto arrive = [this, node = session->node_id] { return parts_.presence.Arrive(node); };
  auto arrival = co_await async::OnPool(parts_.blocking, arrive);
  if (absl::IsNotFound(arrival.status())) co_return Verdict::kRemoved;
  if (!arrival.ok()) co_return Verdict::kTryLater;
  for (;;) {
    const SessionPtr current = Find(session->node_id);
    const bool elsewhere = current == nullptr && !arrival->other_replica.empty();
    const std::string instance = current ? current->instance : arrival->instance;
    const Holder holder{current != nullptr || elsewhere, instance, arrival->clone_on_record};
    const Admission admission = Admit(session->instance, holder);
    if (admission == Admission::kQuarantine) co_return Verdict::kQuarantine;
    if (admission == Admission::kTake) co_return Verdict::kLetIn;
    if (admission == Admission::kReplace) {
      if (!elsewhere) co_return Verdict::kLetIn;
      // The other backend lets go of it; nothing has to be waited for.
      auto ask =
          replicas_.IsAliveElsewhere(arrival->other_replica, session->node_id, session->instance);
      asio::co_spawn(parts_.home, std::move(ask), asio::detached);
      co_return Verdict::kLetIn;
    }
    bool alive = false;
    if (current) {
      alive = co_await StillAnswers(current);
    } else {
      alive = co_await replicas_.IsAliveElsewhere(arrival->other_replica, session->node_id,
                                                  session->instance);
    }
    if (alive) co_return Verdict::kQuarantine;
    arrival->other_replica.clear();
  }
}

// A session that does not answer is let go of.
asio::awaitable<bool> Hub::StillAnswers(SessionPtr session) {
  const bool answers = co_await session->socket->Answers(kProbe);
  if (!answers && Find(session->node_id) == session) Disconnect(session);
  co_return answers;
}

asio::awaitable<bool> Hub::IsAlive(int node_id, std::string instance) {
  const SessionPtr session = Find(node_id);
  if (!session) co_return false;
  if (Admit(instance, {true, session->instance, false}) == Admission::kReplace) {
    Disconnect(session);
    co_return false;
  }
  co_return co_await StillAnswers(session);
}

asio::awaitable<void> Hub::Attend(SessionPtr session) {
  const int node_id = session->node_id;
  if (const SessionPtr older = Find(node_id)) Disconnect(older);
  sessions_[node_id] = session;
  parts_.metrics.Session("opened");
  parts_.metrics.Online(sessions_.size());
  parts_.log.Info("hub.connected", {{"node", node_id}, {"address", session->address}});
  const absl::Status present =
      co_await presence_.SetOnline(session, fmt::format("connected from {}", session->address));
  if (absl::IsNotFound(present)) co_await SayRemoved(session);  // Between its token and here.
  co_await Grant(session);
  courier_.Nudge(session, Due::Greeting());
  // Of this machine itself: whoever it is behind, they have nothing in common.
  boost::system::error_code error;
  const bool is_loopback = boost::asio::ip::make_address(session->address, error).is_loopback();
  auto arrive = [this, session, address = is_loopback ? "" : session->address] {
    return parts_.sites.Arrived(session->node_id, address);
  };
  const absl::Status arrived = co_await async::OnPool(parts_.blocking, arrive);
  if (!arrived.ok())
    parts_.log.Warning("hub.address_not_kept",
                       {{"node", node_id}, {"reason", text::Message(arrived)}});
  const std::string reason = co_await ReadAll(session);
  session->socket->Close();
  if (stopping_ || Find(node_id) != session) co_return;  // Another session took its place.
  sessions_.erase(node_id);
  TellGone(node_id);
  parts_.metrics.Online(sessions_.size());
  parts_.metrics.Session("ended");
  parts_.log.Info("hub.disconnected", {{"node", node_id}, {"reason", reason}});
  co_await presence_.SetOffline(node_id, reason);
}

asio::awaitable<void> Hub::SayRemoved(SessionPtr session) {
  Message message;
  message.type = "node.removed";
  co_await courier_.Send(session, std::move(message));
  asio::steady_timer way(parts_.home, kRemovedWay);
  co_await way.async_wait(kTuple);
  session->socket->Close();
}

asio::awaitable<void> Hub::SayGoodbye(SessionPtr session, std::size_t index, std::size_t of) {
  std::uniform_real_distribution<double> spread(0.0, 1.0);
  Message message;
  message.type = "goodbye";
  message.body["reconnectAfterMs"] =
      absl::ToInt64Milliseconds(ReconnectSlot(index, of, spread(random_)));
  co_await courier_.Send(session, std::move(message));
}

asio::awaitable<void> Hub::Farewell() {
  stopping_ = true;
  std::vector<SessionPtr> all;
  for (const auto& [node, session] : sessions_)
    all.push_back(session);
  for (const SessionPtr& session : quarantine_.All())
    all.push_back(session);
  std::shuffle(all.begin(), all.end(), random_);
  // Shared: one that is stuck ends after this.
  auto done = std::make_shared<asio::steady_timer>(parts_.home, kFarewell);
  auto left = std::make_shared<std::size_t>(all.size());
  for (std::size_t index = 0; index < all.size(); ++index) {
    auto say = SayGoodbye(all[index], index, all.size());
    auto said = [left, done](std::exception_ptr) {
      if (--*left == 0) done->cancel();
    };
    asio::co_spawn(parts_.home, std::move(say), std::move(said));
  }
  if (*left > 0) co_await done->async_wait(kTuple);
  asio::steady_timer way(parts_.home, kFarewellWay);
  if (!all.empty()) co_await way.async_wait(kTuple);
  for (const SessionPtr& session : all)
    session->socket->Close();
  auto stop = [this] { return parts_.presence.Stop("the backend was stopped"); };
  const absl::Status stopped = co_await async::OnPool(parts_.blocking, stop);
  if (!stopped.ok())
    parts_.log.Warning("hub.presence_failed", {{"reason", text::Message(stopped)}});
}

asio::awaitable<std::string> Hub::ReadAll(SessionPtr session) {
  for (;;) {
    auto text = co_await session->socket->Read();
    if (!text.ok()) {
      if (absl::IsInvalidArgument(text.status())) parts_.metrics.Message("up", "frame", "refused");
      co_return OfflineReason(session->end.ok() ? text.status() : session->end);
    }
    co_await Handle(session, *std::move(text));
  }
}

asio::awaitable<void> Hub::Handle(SessionPtr session, std::string text) {
  auto message = backend_link::Parse(text);
  if (!message.ok()) {
    parts_.metrics.Message("up", "frame", "malformed");
    parts_.log.Warning("hub.malformed",
                       {{"node", session->node_id}, {"reason", text::Message(message.status())}});
    co_return;
  }
  if (message->type == "ack") {
    if (message->id) co_await OnAck(session, *message->id);
    co_return;
  }
  if (TakeLive(session->node_id, *message)) co_return;
  // Nobody waits for them to be durable, and they come of every tentacle every minute.
  if (!message->id && (message->type == "status" || message->type == "link")) {
    parts_.metrics.Message("up", message->type, "applied");
    presence_.Beat(session->node_id, *message);
    co_return;
  }
  // While one batch is being committed the next one gathers; a tentacle that sends faster waits.
  while (session->reports.size() >= kMaxReports && session->end.ok()) {
    session->room.expires_at(asio::steady_timer::time_point::max());
    co_await session->room.async_wait(kTuple);
  }
  session->reports.push_back(*std::move(message));
  if (std::exchange(session->applying, true)) co_return;
  auto apply = ApplyReports(session);
  asio::co_spawn(parts_.home, std::move(apply), asio::detached);
}

asio::awaitable<void> Hub::OnAck(SessionPtr session, std::string id) {
  auto acknowledge = [this, node = session->node_id, id] {
    return parts_.nodes.AcknowledgeCommand(node, id);
  };
  const absl::Status kept = co_await async::OnPool(parts_.blocking, acknowledge);
  // Not kept: the command goes out again with the next connection, and its receiver knows the id.
  parts_.metrics.Message("up", "ack", kept.ok() ? "applied" : "failed");
  if (!kept.ok()) co_return;
  if (session->sent.erase(id) > 0) session->acknowledged.insert(id);
  if (!session->sent.empty() || !std::exchange(session->more_commands, false)) co_return;
  Due due;
  due.commands = true;
  courier_.Nudge(session, due);
}

asio::awaitable<void> Hub::ApplyReports(SessionPtr session) {
  while (!session->reports.empty() && session->end.ok()) {
    std::vector<Message> batch;
    while (!session->reports.empty() && batch.size() < kBatch) {
      batch.push_back(std::move(session->reports.front()));
      session->reports.pop_front();
    }
    session->room.cancel();
    auto apply = [this, node = session->node_id, &batch] {
      return parts_.reports.ApplyAll(node, batch);
    };
    const auto results = co_await async::OnPool(parts_.blocking, apply);
    for (std::size_t i = 0; i < results.size() && session->end.ok(); ++i) {
      co_await OnApplied(session, batch[i], results[i]);
    }
  }
  session->applying = false;
}

asio::awaitable<void> Hub::OnApplied(SessionPtr session,
                                     Message message,
                                     absl::StatusOr<Applied> applied) {
  const int node_id = session->node_id;
  if (!applied.ok() && !absl::IsInvalidArgument(applied.status())) {
    // Not durable, so not acknowledged: it comes again with the next connection.
    parts_.metrics.Message("up", message.type, "failed");
    parts_.log.Error(
        "hub.apply_failed",
        {{"node", node_id}, {"type", message.type}, {"reason", text::Message(applied.status())}});
    session->end = absl::DataLossError("not stored");
    session->room.cancel();
    co_return session->socket->Close();
  }
  if (!applied.ok()) {
    parts_.metrics.Message("up", message.type, "invalid");
    parts_.log.Warning(
        "hub.invalid_message",
        {{"node", node_id}, {"type", message.type}, {"reason", text::Message(applied.status())}});
  } else if (!applied->known_type) {
    NoteUnknown(node_id, message.type);
  } else {
    parts_.metrics.Message("up", message.type, applied->repeated ? "repeated" : "applied");
    for (const Change& change : applied->changes)
      parts_.live.Publish(change, std::to_string(change.tentacle != 0 ? change.tentacle : node_id));
  }
  if (!message.id) co_return;
  co_await courier_.Send(session, backend_link::Ack(*message.id));
  co_await Grant(session);
}

void Hub::NoteUnknown(int node_id, const std::string& type) {
  parts_.metrics.Message("up", "unknown", "ignored");
  if (unknown_types_.size() >= kMaxUnknownTypes || !unknown_types_.insert(type).second) return;
  parts_.log.Warning("hub.unknown_type", {{"node", node_id}, {"type", type}});
}

asio::awaitable<void> Hub::Grant(SessionPtr session) {
  const std::size_t window = EventWindow(sessions_.size());
  // Small changes are not worth a message.
  if (window < session->window * 2 && session->window < window * 2) co_return;
  session->window = window;
  Message message;
  message.type = "credit";
  message.body["events"] = window;
  co_await courier_.Send(session, std::move(message));
}

void Hub::OnDue(int node_id, const Due& due) {
  if (const SessionPtr session = Find(node_id)) courier_.Nudge(session, due);
}

void Hub::OnRemoved(int node_id) {
  std::vector<SessionPtr> theirs;
  if (const SessionPtr session = Find(node_id)) theirs.push_back(session);
  for (const SessionPtr& session : quarantine_.All()) {
    if (session->node_id == node_id) theirs.push_back(session);
  }
  for (const SessionPtr& session : theirs) {
    auto say = SayRemoved(session);
    asio::co_spawn(parts_.home, std::move(say), asio::detached);
  }
}

void Hub::OnGap() {
  if (stopping_) return;
  for (const auto& [node, session] : sessions_) {
    presence_.StillOnline(node);
    courier_.Nudge(session, Due::Everything());
  }
}

}  // namespace tentacle::backend
