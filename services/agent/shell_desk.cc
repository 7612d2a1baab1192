#include "services/agent/shell_desk.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/agent/core/rfc3339.h"
#include "services/agent/leftovers.h"

namespace tentacle::agent {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

std::uint64_t Bytes(const json::object& object) {
  const auto* value = object.if_contains("bytes");
  json::error_code error;
  const auto bytes =
      value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : bytes;
}

}  // namespace

ShellDesk::ShellDesk(ShellSession::Parts parts,
                     store::Store& store,
                     OrderDesk& orders,
                     std::shared_ptr<Metrics> metrics,
                     runtime::Log log)
    : parts_(std::move(parts)),
      used_(store, parts_.blocking, parts_.clock),
      orders_(orders),
      metrics_(std::move(metrics)),
      log_(std::move(log)) {}

void ShellDesk::Start() {
  const std::weak_ptr<ShellDesk> weak = weak_from_this();
  parts_.live.Handle("shell.open", [weak](const json::object& body) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    auto open = Open(self, {Text(body, "order"), Text(body, "signature"), Text(body, "session")});
    asio::co_spawn(self->parts_.home, std::move(open), asio::detached);
  });
  const auto to_session = [&](const char* type, auto act) {
    parts_.live.Handle(type, [weak, act](const json::object& body) {
      const auto self = weak.lock();
      auto* session = self == nullptr ? nullptr : self->Find(body);
      if (session != nullptr) act(*session, body);
    });
  };
  to_session("shell.input", [](ShellSession& session, const json::object& body) {
    session.Type(Text(body, "data"));
  });
  to_session("shell.ack",
             [](ShellSession& session, const json::object& body) { session.Credit(Bytes(body)); });
  to_session("shell.resize", [](ShellSession& session, const json::object& body) {
    const auto columns = ParseTerminalSize(body, "cols");
    const auto rows = ParseTerminalSize(body, "rows");
    if (columns.ok() && rows.ok()) session.Resize(*columns, *rows);
  });
  to_session("shell.stop", [](ShellSession& session, const json::object& body) {
    const std::string reason = Text(body, "reason");
    session.End(reason.empty() ? "stopped by the backend" : reason);
  });
  parts_.live.OnLinkLost([weak] {
    if (const auto self = weak.lock()) self->EndAll("the line to the backend broke");
  });
}

ShellSession* ShellDesk::Find(const json::object& body) const {
  const auto found = sessions_.find(Text(body, "session"));
  return found == sessions_.end() ? nullptr : found->second.get();
}

void ShellDesk::Configure(ShellPolicy policy) {
  policy_ = std::move(policy);
  if (!policy_.enabled) EndAll("shells are no longer allowed on this host");
}

void ShellDesk::Stop() {
  EndAll("the agent was stopped");
}

void ShellDesk::EndAll(const std::string& reason) {
  ++endings_;
  last_ending_ = reason;
  for (const auto& [id, session] : sessions_)
    session->End(reason);
}

asio::awaitable<void> ShellDesk::Open(std::shared_ptr<ShellDesk> self, SignedOrder order) {
  const std::string claimed = order.reference;
  auto shell = self->Judge(order);
  absl::Status status = shell.status();
  std::shared_ptr<ShellSession> session;
  const std::uint64_t endings = self->endings_;
  if (status.ok()) {
    ++self->opening_;
    auto launched = co_await self->Launch(*std::move(shell));
    --self->opening_;
    status = launched.status();
    if (launched.ok()) session = *std::move(launched);
  }
  if (!status.ok()) {
    self->metrics_->Shell("refused");
    const std::string reason(text::Message(status));
    self->log_.Warning("agent.shell_refused", {{"session", claimed}, {"reason", reason}});
    self->parts_.live.Send("shell.exit", {{"session", claimed}, {"code", -1}, {"reason", reason}});
    co_return;
  }
  co_await Serve(self, session, endings);
}

absl::StatusOr<ShellOrder> ShellDesk::Judge(const SignedOrder& order) {
  const auto read = orders_.Read(order);
  if (!read.ok()) return read.status();
  if (read->type != "shell.open") {
    return absl::PermissionDeniedError("the order is signed for something else");
  }
  auto shell = ParseShellOrder(read->body);
  if (!shell.ok()) return shell.status();
  shell->expires_at = read->expires_at;
  if (auto may = MayOpenShell(policy_, *shell, sessions_.size() + opening_); !may.ok()) return may;
  return shell;
}

asio::awaitable<absl::StatusOr<std::shared_ptr<ShellSession>>> ShellDesk::Launch(ShellOrder order) {
  const absl::Status fresh = co_await used_.Use(order.session, order.expires_at);
  if (!fresh.ok()) co_return fresh;
  auto launch = [this, &order]() -> absl::StatusOr<Pty> {
    const auto user = parts_.find_user(order.user);
    if (!user.ok()) return user.status();
    return OpenShell(parts_.host, *user, {order.columns, order.rows}, order.session);
  };
  auto pty = co_await async::OnPool(parts_.blocking, launch);
  if (!pty.ok()) co_return pty.status();
  co_return std::make_shared<ShellSession>(parts_, std::move(order), *std::move(pty));
}

asio::awaitable<void> ShellDesk::Serve(std::shared_ptr<ShellDesk> self,
                                       std::shared_ptr<ShellSession> session,
                                       std::uint64_t endings) {
  const auto& order = session->order();
  self->metrics_->Shell("opened");
  self->log_.Info("agent.shell_opened", {{"session", order.session},
                                         {"user", order.user},
                                         {"by", order.opened_by},
                                         {"reason", order.reason},
                                         {"pid", session->pid()}});
  const absl::Time now = self->parts_.clock.Now();
  const std::string body = json::serialize(
      json::object{{"session", order.session}, {"user", order.user}, {"time", Rfc3339(now)}});
  auto started =
      events::MakeEvent("session.started", order.session, event::v1::PRIORITY_RESULT, body, now);
  const auto kept = co_await self->parts_.events.Append(std::move(started));
  if (!kept.ok()) session->End("the session could not be written down");
  self->sessions_[order.session] = session;
  self->metrics_->shells_open.Set(static_cast<double>(self->sessions_.size()));
  // All were ended while this one was being opened.
  if (endings != self->endings_) session->End(self->last_ending_);
  self->parts_.live.Send("shell.ready", {{"session", order.session}});
  co_await session->Run();
  auto kill = [id = order.session] { return KillMarked(kShellMark, {id}); };
  const int killed = co_await async::OnPool(self->parts_.blocking, kill);
  self->metrics_->leftovers_killed.Increment(killed);
  // Whoever is told that it is over finds nothing of it left.
  self->sessions_.erase(order.session);
  self->parts_.live.Send(
      "shell.exit",
      {{"session", order.session}, {"code", session->exit_code()}, {"reason", session->reason()}});
  self->metrics_->shells_open.Set(static_cast<double>(self->sessions_.size()));
  self->log_.Info("agent.shell_ended", {{"session", order.session}, {"reason", session->reason()}});
}

}  // namespace tentacle::agent
