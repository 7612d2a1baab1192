#include "backend/link/hub.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "backend/core/offline_reason.h"
#include "libs/async/on_pool.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using backend_link::Message;

constexpr std::size_t kMaxUnknownTypes = 64;  // Logged once each; more are only counted.

// A message whose body is this JSON object.
Message MakeMessage(std::string_view type, const std::string& body_json) {
  Message message;
  message.type = std::string(type);
  boost::system::error_code error;
  const json::value value = json::parse(body_json, error);
  if (!error && value.is_object()) message.body = value.as_object();
  return message;
}

}  // namespace

asio::awaitable<void> Hub::Serve(int node_id, std::shared_ptr<net::UpgradedConnection> connection) {
  const std::string remote = connection->request.remote_ip;
  auto accepted = co_await net::WebSocket::Accept(std::move(connection), {});
  if (!accepted.ok()) {
    parts_.metrics.Session("handshake_failed");
    co_return;
  }
  const std::shared_ptr<net::WebSocket> socket = *std::move(accepted);
  Disconnect(node_id);  // The older one is a line that died without a word.
  sessions_[node_id] = socket;
  parts_.metrics.Session("opened");
  parts_.metrics.Online(sessions_.size());
  parts_.log.Info("hub.connected", {{"node", node_id}, {"address", remote}});
  const absl::Status present = co_await SetPresence(node_id, true, fmt::format("connected from {}", remote));
  if (absl::IsNotFound(present)) socket->Close();  // Removed between its token and here.
  co_await Greet(node_id);
  const std::string reason = co_await ReadAll(node_id, socket);
  socket->Close();
  const auto at = sessions_.find(node_id);
  if (at == sessions_.end() || at->second != socket) co_return;  // Another session took its place.
  sessions_.erase(at);
  parts_.metrics.Online(sessions_.size());
  parts_.metrics.Session("ended");
  parts_.log.Info("hub.disconnected", {{"node", node_id}, {"reason", reason}});
  co_await SetPresence(node_id, false, reason);
}

asio::awaitable<std::string> Hub::ReadAll(int node_id, std::shared_ptr<net::WebSocket> socket) {
  for (;;) {
    auto text = co_await socket->Read();
    absl::Status status = text.status();
    if (text.ok()) status = co_await Handle(node_id, socket, *std::move(text));
    if (absl::IsInvalidArgument(status)) parts_.metrics.Message("up", "frame", "refused");
    if (!status.ok()) co_return OfflineReason(status);
  }
}

asio::awaitable<absl::Status> Hub::SetPresence(int node_id, bool online, std::string reason) {
  auto write = [this, node_id, online, reason = std::move(reason)] {
    return online ? parts_.nodes.SetOnline(node_id, reason) : parts_.nodes.SetOffline(node_id, reason);
  };
  const absl::Status status = co_await async::OnPool(parts_.blocking, write);
  if (!status.ok()) parts_.log.Error("hub.presence_failed", {{"node", node_id}, {"reason", std::string(status.message())}});
  parts_.live.Publish({"node", std::to_string(node_id)});
  co_return status;
}

asio::awaitable<void> Hub::Greet(int node_id) {
  co_await SendConfig(node_id);
  co_await SyncTasks(node_id);
  auto read = [this, node_id] { return parts_.nodes.OpenCommands(node_id); };
  const auto commands = co_await async::OnPool(parts_.blocking, read);
  if (!commands.ok()) co_return;
  const json::value list = json::parse(*commands);
  for (const auto& command : list.as_array()) {
    Message message;
    message.type = std::string(command.at("type").as_string());
    message.id = std::string(command.at("id").as_string());
    message.body = command.at("body").as_object();
    Send(node_id, std::move(message));
  }
}

asio::awaitable<void> Hub::SendConfig(int node_id) {
  auto read = [this, node_id] { return parts_.nodes.ConfigUpdate(node_id); };
  const auto config = co_await async::OnPool(parts_.blocking, read);
  if (config.ok() && !config->empty()) Send(node_id, MakeMessage("config.update", *config));
}

asio::awaitable<void> Hub::SyncTasks(int node_id) {
  if (!sessions_.contains(node_id)) co_return;
  auto read = [this, node_id] { return parts_.tasks.Table(node_id); };
  const auto table = co_await async::OnPool(parts_.blocking, read);
  if (table.ok() && !table->empty()) {
    Send(node_id, MakeMessage("tasks.sync", *table));
  } else {
    parts_.log.Error("hub.sync_failed", {{"node", node_id}, {"reason", std::string(table.status().message())}});
  }
}

asio::awaitable<absl::Status> Hub::Handle(int node_id, std::shared_ptr<net::WebSocket> socket, std::string text) {
  const auto message = backend_link::Parse(text);
  if (!message.ok()) {
    parts_.metrics.Message("up", "frame", "malformed");
    parts_.log.Warning("hub.malformed", {{"node", node_id}, {"reason", std::string(message.status().message())}});
    co_return absl::OkStatus();
  }
  if (message->type == "ack") {
    if (!message->id) co_return absl::OkStatus();
    auto acknowledge = [this, node_id, id = *message->id] { return parts_.nodes.AcknowledgeCommand(node_id, id); };
    const absl::Status kept = co_await async::OnPool(parts_.blocking, acknowledge);
    // Not kept: the command goes out again with the next connection, and its receiver knows the id.
    parts_.metrics.Message("up", "ack", kept.ok() ? "applied" : "failed");
    co_return absl::OkStatus();
  }
  auto apply = [this, node_id, &message] { return parts_.reports.Apply(node_id, *message); };
  const auto applied = co_await async::OnPool(parts_.blocking, apply);
  if (!applied.ok() && !absl::IsInvalidArgument(applied.status())) {
    // Not durable, so not acknowledged: it comes again with the next connection.
    parts_.metrics.Message("up", message->type, "failed");
    parts_.log.Error("hub.apply_failed", {{"node", node_id}, {"type", message->type}, {"reason", std::string(applied.status().message())}});
    co_return absl::DataLossError("not stored");
  }
  if (!applied.ok()) {
    parts_.metrics.Message("up", message->type, "invalid");
    parts_.log.Warning("hub.invalid_message", {{"node", node_id}, {"type", message->type}, {"reason", std::string(applied.status().message())}});
  } else if (!applied->known_type) {
    parts_.metrics.Message("up", "unknown", "ignored");
    if (unknown_types_.size() < kMaxUnknownTypes && unknown_types_.insert(message->type).second) {
      parts_.log.Warning("hub.unknown_type", {{"node", node_id}, {"type", message->type}});
    }
  } else {
    parts_.metrics.Message("up", message->type, applied->repeated ? "repeated" : "applied");
    for (const Change& change : applied->changes) parts_.live.Publish(change, std::to_string(node_id));
  }
  if (message->id) co_await Deliver(socket, backend_link::Serialize(backend_link::Ack(*message->id)));
  co_return absl::OkStatus();
}

void Hub::Send(int node_id, Message message) {
  const auto at = sessions_.find(node_id);
  if (at == sessions_.end()) return;
  parts_.metrics.Message("down", message.type, "sent");
  auto deliver = Deliver(at->second, backend_link::Serialize(message));
  asio::co_spawn(parts_.home, std::move(deliver), asio::detached);
}

asio::awaitable<void> Hub::Deliver(std::shared_ptr<net::WebSocket> socket, std::string text) {
  const absl::Status status = co_await socket->Write(std::move(text));
  if (!status.ok()) socket->Close();  // Its reader notices and tidies up.
}

void Hub::Disconnect(int node_id) {
  const auto at = sessions_.find(node_id);
  if (at == sessions_.end()) return;
  at->second->Close();
  sessions_.erase(at);
  parts_.metrics.Session("replaced_or_revoked");
  parts_.metrics.Online(sessions_.size());
}

}  // namespace tentacle::backend
