#include "backend/link/shell_hub.h"

#include <absl/time/clock.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "libs/backend_link/order.h"
#include "libs/identity/signed_order.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A page opens its socket at once after it was given the ticket.
constexpr absl::Duration kTicketLifetime = absl::Seconds(30);
constexpr std::size_t kMaxSessions = 256;
// What a viewer has typed and the shell has not read; half of what the agent holds for it.
constexpr std::size_t kInputWindow = 32 * 1024;
// A message of a viewer: a paste comes in pieces of a few KiB.
constexpr std::size_t kMaxViewerMessage = 16 * 1024;

std::string Text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::size_t Bytes(const json::object& object) {
  const auto* value = object.if_contains("bytes");
  json::error_code error;
  const auto bytes =
      value != nullptr && value->is_number() ? value->to_number<std::size_t>(error) : 0;
  return error ? 0 : bytes;
}

}  // namespace

namespace {

struct Outgoing {
  std::string text;
  bool from_shell = false;  // Raw, and confirmed to the shell when it is out.
};

Outgoing Info(std::string_view state) {
  return {json::serialize(
      json::object{{"type", "info"}, {"state", json::string_view(state.data(), state.size())}})};
}

}  // namespace

struct ShellHub::Session {
  Session(asio::any_io_executor home, std::string its_id, ShellRequest its_request)
      : id(std::move(its_id)),
        request(std::move(its_request)),
        changed(home, asio::steady_timer::time_point::max()) {}

  std::string id;
  ShellRequest request;
  absl::Time expires;  // When nobody has come with its ticket by then, or nobody has approved it.
  bool waits_for_approval = false;
  std::shared_ptr<net::WebSocket> viewer;
  bool redeemed = false;
  bool over = false;
  std::string end_reason;
  // Not with the viewer's socket yet; bounded by the agent's window.
  std::deque<Outgoing> output;
  std::size_t typed = 0;       // Octets under way to the shell.
  asio::steady_timer changed;  // Never runs out; cancelled at every change.
};

ShellHub::ShellHub(Parts parts) : parts_(std::move(parts)) {
  parts_.hub.OnLive(
      "shell.",
      [this](int node, const backend_link::Message& message) { OnMessage(node, message); },
      [this](int node) { OnGone(node); });
}

asio::awaitable<absl::StatusOr<ShellHub::Ticket>> ShellHub::Ask(ShellRequest request) {
  ForgetStale();
  if (sessions_.size() >= kMaxSessions)
    co_return absl::UnavailableError("too many shells are open");
  if (!parts_.hub.IsOnline(request.node_id))
    co_return absl::UnavailableError("the tentacle is not connected to this backend");
  const std::string id = identity::RandomHex(16);
  const NewShell shell{
      id, request.node_id, request.user, request.opened_by, request.reason, request.asked_by};
  auto add = [this, &shell] { return parts_.shells.Add(shell); };
  const absl::Status added = co_await async::OnPool(parts_.blocking, add);
  if (!added.ok()) co_return added;
  parts_.log.Info("shell.asked", {{"session", id},
                                  {"node", request.node_id},
                                  {"user", request.user},
                                  {"by", request.opened_by},
                                  {"reason", request.reason}});
  const auto session = std::make_shared<Session>(parts_.home, id, std::move(request));
  sessions_[id] = session;
  if (!parts_.needs_approval) co_return MakeTicket(*session);
  session->waits_for_approval = true;
  session->expires = absl::Now() + kShellApprovalWithin;
  parts_.live.Publish({"node", std::to_string(session->request.node_id)});
  co_return Ticket{id, "", session->expires};
}

asio::awaitable<absl::Status> ShellHub::Approve(std::string session, std::string by) {
  auto approve = [this, &session, &by] { return parts_.shells.Approve(session, by); };
  const auto node = co_await async::OnPool(parts_.blocking, approve);
  if (!node.ok()) co_return node.status();
  parts_.log.Info("shell.approved", {{"session", session}, {"by", by}});
  parts_.live.Publish({"node", std::to_string(*node)});
  co_return absl::OkStatus();
}

asio::awaitable<absl::StatusOr<ShellHub::Ticket>> ShellHub::TakeTicket(std::string id,
                                                                       std::string asked_by) {
  ForgetStale();
  auto ask = [this, &id, &asked_by] { return parts_.shells.Approver(id, asked_by); };
  const auto approver = co_await async::OnPool(parts_.blocking, ask);
  if (!approver.ok()) co_return approver.status();
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second->waits_for_approval)
    co_return absl::NotFoundError("no such shell of yours waits");
  if (approver->empty()) co_return absl::FailedPreconditionError("nobody has approved it yet");
  Session& session = *found->second;
  session.waits_for_approval = false;
  // The agent writes both names into its own record.
  session.request.opened_by += ", approved by " + *approver;
  co_return MakeTicket(session);
}

ShellHub::Ticket ShellHub::MakeTicket(Session& session) {
  session.expires = absl::Now() + kTicketLifetime;
  Ticket ticket{session.id, identity::RandomHex(32), session.expires};
  tickets_[identity::Sha256Hex(ticket.secret)] = session.id;
  return ticket;
}

absl::StatusOr<std::string> ShellHub::Redeem(const std::string& secret) {
  ForgetStale();
  const auto ticket = tickets_.find(identity::Sha256Hex(secret));
  if (ticket == tickets_.end())
    return absl::NotFoundError("the ticket is unknown, used or older than 30 s");
  const std::string session = ticket->second;
  tickets_.erase(ticket);
  sessions_.at(session)->redeemed = true;
  return session;
}

void ShellHub::ForgetStale() {
  std::erase_if(sessions_, [this](const auto& one) {
    const Session& session = *one.second;
    if (session.redeemed || session.expires > absl::Now()) return false;
    std::erase_if(tickets_, [&](const auto& ticket) { return ticket.second == session.id; });
    auto end = WriteEnd(session.id, session.waits_for_approval ? "nobody approved it"
                                                               : "nobody came with the ticket");
    asio::co_spawn(parts_.home, std::move(end), asio::detached);
    return true;
  });
}

asio::awaitable<void> ShellHub::WriteEnd(std::string session, std::string reason) {
  auto end = [this, session, reason] { return parts_.shells.End(session, reason); };
  const absl::Status status = co_await async::OnPool(parts_.blocking, end);
  if (!status.ok())
    parts_.log.Error("shell.not_stored",
                     {{"session", session}, {"reason", std::string(status.message())}});
}

std::string ShellHub::Order(const Session& session) {
  const auto& request = session.request;
  if (!parts_.hub.IsOnline(request.node_id)) return "the tentacle is not connected to this backend";
  const std::string order = backend_link::OrderText("shell.open", std::to_string(request.node_id),
                                                    absl::Now() + absl::Minutes(1),
                                                    {{"session", session.id},
                                                     {"user", request.user},
                                                     {"reason", request.reason},
                                                     {"openedBy", request.opened_by},
                                                     {"cols", request.columns},
                                                     {"rows", request.rows}});
  Tell(session, "shell.open",
       {{"order", order}, {"signature", identity::SignOrder(parts_.signing_key, order)}});
  return "";
}

void ShellHub::Tell(const Session& session, std::string type, json::object body) {
  body["session"] = session.id;
  parts_.hub.SendLive(session.request.node_id, {std::move(type), std::nullopt, std::move(body)});
}

asio::awaitable<void> ShellHub::Serve(std::string id,
                                      std::shared_ptr<net::UpgradedConnection> connection) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) co_return;
  const SessionPtr session = found->second;
  net::WebSocketLimits limits;
  limits.message_bytes = kMaxViewerMessage * 16;  // Downward a page of output, all of it escaped.
  auto accepted = co_await net::WebSocket::Accept(std::move(connection), limits);
  if (!accepted.ok()) {
    Close(session, "the viewer's handshake failed");
    co_return;
  }
  session->viewer = *std::move(accepted);
  parts_.metrics.Shell("viewed");
  const std::string refused = Order(*session);
  if (!refused.empty()) {
    Close(session, refused);
  } else {
    session->output.push_back(Info("opening"));
  }
  auto write = WriteViewer(this, session);
  asio::co_spawn(parts_.home, std::move(write), asio::detached);
  co_await ReadViewer(session);
  Close(session, "the viewer left");
}

asio::awaitable<void> ShellHub::ReadViewer(SessionPtr session) {
  for (;;) {
    while (session->typed >= kInputWindow && !session->over) {
      co_await session->changed.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    auto text = co_await session->viewer->Read();
    if (!text.ok()) co_return;
    const bool good = co_await TakeViewerMessage(session, *std::move(text));
    if (!good) co_return;
  }
}

asio::awaitable<bool> ShellHub::TakeViewerMessage(SessionPtr session, std::string text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object() || text.size() > kMaxViewerMessage) co_return false;
  const auto& message = value.as_object();
  const std::string type = Text(message, "type");
  if (session->over) co_return true;
  if (type == "input") {
    std::string data = Text(message, "data");
    session->typed += data.size();
    Tell(*session, "shell.input", {{"data", std::move(data)}});
  } else if (type == "resize") {
    json::object size;
    for (const char* name : {"cols", "rows"}) {
      if (const auto* number = message.if_contains(name)) size[name] = *number;
    }
    Tell(*session, "shell.resize", std::move(size));
  } else if (type == "stop") {
    co_return false;
  }
  co_return true;
}

// One write at a time; it returns when the viewer's socket has taken the text, and only then the
// shell may print more.
asio::awaitable<void> ShellHub::WriteViewer(ShellHub* hub, SessionPtr session) {
  for (;;) {
    if (session->output.empty()) {
      if (session->over) break;
      co_await session->changed.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    Outgoing next = std::move(session->output.front());
    session->output.pop_front();
    const std::size_t bytes = next.text.size();
    if (next.from_shell)
      next.text = json::serialize(json::object{{"type", "output"}, {"data", next.text}});
    const absl::Status written = co_await session->viewer->Write(std::move(next.text));
    if (!written.ok()) break;
    if (next.from_shell && !session->over) hub->Tell(*session, "shell.ack", {{"bytes", bytes}});
  }
  session->viewer->Close();
}

void ShellHub::OnMessage(int node_id, const backend_link::Message& message) {
  const auto found = sessions_.find(Text(message.body, "session"));
  // A tentacle speaks of its own sessions only.
  if (found == sessions_.end() || found->second->request.node_id != node_id) return;
  const SessionPtr session = found->second;
  if (message.type == "shell.output") {
    session->output.push_back({Text(message.body, "data"), true});
  } else if (message.type == "shell.ready") {
    session->output.push_back(Info("ready"));
    parts_.metrics.Shell("opened");
  } else if (message.type == "shell.taken") {
    session->typed -= std::min(session->typed, Bytes(message.body));
  } else if (message.type == "shell.exit") {
    Close(session, Text(message.body, "reason"));
  }
  session->changed.cancel();
}

void ShellHub::OnGone(int node_id) {
  const auto sessions = sessions_;
  for (const auto& [id, session] : sessions) {
    if (session->request.node_id == node_id) Close(session, "the line to the tentacle broke");
  }
}

void ShellHub::Close(const SessionPtr& session, const std::string& reason) {
  if (std::exchange(session->over, true)) return;
  Tell(*session, "shell.stop", {{"reason", reason}});
  session->output.push_back(
      {json::serialize(json::object{{"type", "closed"}, {"reason", reason}})});
  session->changed.cancel();
  sessions_.erase(session->id);
  parts_.metrics.Shell("closed");
  parts_.log.Info(
      "shell.closed",
      {{"session", session->id}, {"node", session->request.node_id}, {"reason", reason}});
  auto end = WriteEnd(session->id, reason);
  asio::co_spawn(parts_.home, std::move(end), asio::detached);
  parts_.live.Publish({"node", std::to_string(session->request.node_id)});
}

}  // namespace tentacle::backend
