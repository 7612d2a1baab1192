// Remote shells: asked for, viewed, listed, replayed.
#include <fmt/format.h>

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "backend/api/api.h"
#include "libs/backend_link/job.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxReasonBytes = 500;

// "https://name:port" -> "name:port"
std::string_view HostOf(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

// 202: it waits for somebody's approval.
net::HttpReply TicketReply(const ShellHub::Ticket& ticket) {
  json::object answer{
      {"id", ticket.session},
      {"expiresAt", absl::FormatTime(absl::RFC3339_sec, ticket.expires_at, absl::UTCTimeZone())}};
  if (ticket.secret.empty()) return net::JsonReply(202, json::serialize(answer));
  answer["ticket"] = ticket.secret;
  return net::JsonReply(201, json::serialize(answer));
}

}  // namespace

void Api::AddShellRoutes() {
  router_.Add("POST", "/api/v1/nodes/{id}/shells", Access::kOperator,
              [this](Call c) { return AskShell(std::move(c)); });
  router_.Add("GET", "/api/v1/nodes/{id}/shells", Access::kViewer, [this](Call c) {
    return Json([this, id = c.Id()] { return parts_.shell_store.List(id); }, "shells");
  });
  router_.Add("POST", "/api/v1/shells/{session}/approve", Access::kAdmin,
              [this](Call c) { return ApproveShell(std::move(c)); });
  router_.Add("POST", "/api/v1/shells/{session}/ticket", Access::kOperator,
              [this](Call c) { return TakeShellTicket(std::move(c)); });
  router_.Add("GET", "/api/v1/shells/ws", Access::kAnyone,
              [this](Call c) { return ViewShell(std::move(c)); });
  router_.Add("GET", "/api/v1/shells/{session}/recording", Access::kOperator,
              [this](Call c) { return Replay(std::move(c)); });
}

asio::awaitable<net::HttpReply> Api::AskShell(Call call) {
  const auto body = ParseBody(call.request);
  if (!body.ok()) co_return net::ProblemReply(400, text::Message(body.status()));
  ShellRequest request;
  request.node_id = call.Id();
  request.user = TextField(*body, "user", "root");
  request.reason = TextField(*body, "reason");
  request.asked_by = call.caller.name;
  request.opened_by = fmt::format("{}, {}", call.caller.name, call.request.remote_ip);
  request.columns = NumberField(*body, "cols", 80);
  request.rows = NumberField(*body, "rows", 24);
  if (!backend_link::IsUserName(request.user))
    co_return net::ProblemReply(422, "user: no name of a user");
  if (request.reason.empty() || request.reason.size() > kMaxReasonBytes) {
    co_return net::ProblemReply(422, "reason: say in a sentence what the shell is for");
  }
  if (std::min(request.columns, request.rows) < 1 ||
      std::max(request.columns, request.rows) > 1000) {
    co_return net::ProblemReply(422, "cols, rows: want 1 to 1000");
  }
  const auto ticket = co_await parts_.shells.Ask(std::move(request));
  if (absl::IsUnavailable(ticket.status()))
    co_return net::ProblemReply(409, text::Message(ticket.status()));
  if (!ticket.ok()) co_return StatusReply(ticket.status());
  co_return TicketReply(*ticket);
}

asio::awaitable<net::HttpReply> Api::ApproveShell(Call call) {
  const absl::Status approved = co_await parts_.shells.Approve(call.ids.at(0), call.caller.name);
  co_return approved.ok() ? Empty() : StatusReply(approved);
}

asio::awaitable<net::HttpReply> Api::TakeShellTicket(Call call) {
  const auto ticket = co_await parts_.shells.TakeTicket(call.ids.at(0), call.caller.name);
  co_return ticket.ok() ? TicketReply(*ticket) : StatusReply(ticket.status());
}

// A browser names the page that opens a socket, and sends its cookies along whatever page that is:
// the ticket, which only our page was given, and the origin together say that it is ours.
bool Api::IsOwnOrigin(const net::HttpRequest& request) const {
  const std::string_view origin = request.Header("Origin");
  if (origin.empty()) return true;  // No browser.
  if (HostOf(origin) == request.Header("Host")) return true;
  return std::find(parts_.origins.begin(), parts_.origins.end(), origin) != parts_.origins.end();
}

asio::awaitable<net::HttpReply> Api::ViewShell(Call call) {
  if (!call.request.Header("Upgrade").starts_with("websocket")) {
    co_return net::ProblemReply(400, "this route speaks WebSocket");
  }
  if (!IsOwnOrigin(call.request)) {
    parts_.log.Warning("shell.origin_refused",
                       {{"origin", std::string(call.request.Header("Origin"))},
                        {"address", call.request.remote_ip}});
    co_return net::ProblemReply(403, "a page of another origin may not open a shell");
  }
  const auto session = parts_.shells.Redeem(call.request.Query("ticket").value_or(""));
  if (!session.ok()) co_return net::ProblemReply(401, text::Message(session.status()));
  net::HttpReply reply;
  reply.status = 101;
  reply.upgrade = [this, id = *session](std::shared_ptr<net::UpgradedConnection> connection) {
    return parts_.shells.Serve(id, std::move(connection));
  };
  co_return reply;
}

asio::awaitable<net::HttpReply> Api::Replay(Call call) {
  auto read = [this, session = call.ids.at(0)] { return parts_.shell_store.Read(session); };
  auto recording = co_await async::OnPool(parts_.blocking, read);
  if (!recording.ok()) co_return StatusReply(recording.status());
  net::HttpReply reply = net::TextReply(200, std::move(recording->cast), "application/x-asciicast");
  reply.headers.emplace_back("X-Recording-Complete", recording->complete ? "yes" : "no");
  reply.headers.emplace_back("Content-Disposition",
                             fmt::format("attachment; filename=\"{}.cast\"", call.ids.at(0)));
  co_return reply;
}

}  // namespace tentacle::backend
