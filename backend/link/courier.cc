#include "backend/link/courier.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/parse.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using backend_link::Message;

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

void Courier::Nudge(const SessionPtr& session, const Due& due) {
  session->due.config |= due.config;
  session->due.tasks |= due.tasks;
  session->due.commands |= due.commands;
  session->due.peers |= due.peers;
  session->due.new_tasks.insert(session->due.new_tasks.end(), due.new_tasks.begin(),
                                due.new_tasks.end());
  session->due.cancelled_tasks.insert(session->due.cancelled_tasks.end(),
                                      due.cancelled_tasks.begin(), due.cancelled_tasks.end());
  if (std::exchange(session->carrying, true)) return;
  auto carry = Carry(session);
  asio::co_spawn(parts_.home, std::move(carry), asio::detached);
}

// One after the other: an older table must not overtake a newer one.
asio::awaitable<void> Courier::Carry(SessionPtr session) {
  while (session->due.any()) {
    if (std::exchange(session->due.config, false)) co_await CarryConfig(session);
    co_await CarryTaskNews(session);
    if (std::exchange(session->due.tasks, false)) co_await CarryTable(session);
    if (std::exchange(session->due.peers, false)) co_await CarryPeers(session);
    if (std::exchange(session->due.commands, false)) co_await CarryCommands(session);
  }
  session->carrying = false;
}

asio::awaitable<void> Courier::Send(SessionPtr session, Message message) {
  parts_.metrics.Message("down", message.type, "sent");
  const absl::Status status = co_await session->socket->Write(backend_link::Serialize(message));
  if (!status.ok()) session->socket->Close();  // Its reader notices and tidies up.
}

asio::awaitable<void> Courier::CarryConfig(SessionPtr session) {
  auto read = [this, node = session->node_id] { return parts_.nodes.ConfigUpdate(node); };
  const auto config = co_await async::OnPool(parts_.blocking, read);
  if (!config.ok()) co_return Failed(*session, "config", config.status());
  if (!config->empty()) co_await Send(session, MakeMessage("config.update", *config));
}

// For a tentacle that knows the product specification's messages only; the table says the same
// again.
asio::awaitable<void> Courier::CarryTaskNews(SessionPtr session) {
  while (!session->due.new_tasks.empty()) {
    const int task = session->due.new_tasks.front();
    session->due.new_tasks.pop_front();
    auto read = [this, task, node = session->node_id] { return parts_.tasks.Document(task, node); };
    const auto document = co_await async::OnPool(parts_.blocking, read);
    if (!document.ok() || document->empty()) continue;
    Message message;
    message.type = "task.new";
    message.body["task"] = json::parse(*document);
    co_await Send(session, std::move(message));
  }
  while (!session->due.cancelled_tasks.empty()) {
    Message message;
    message.type = "task.cancel";
    message.body["taskId"] = std::to_string(session->due.cancelled_tasks.front());
    session->due.cancelled_tasks.pop_front();
    co_await Send(session, std::move(message));
  }
}

asio::awaitable<void> Courier::CarryTable(SessionPtr session) {
  auto read = [this, node = session->node_id] { return parts_.tasks.Table(node); };
  const auto table = co_await async::OnPool(parts_.blocking, read);
  if (!table.ok()) co_return Failed(*session, "tasks", table.status());
  if (!table->empty()) co_await Send(session, MakeMessage("tasks.sync", *table));
}

asio::awaitable<void> Courier::CarryPeers(SessionPtr session) {
  auto read = [this, node = session->node_id] { return parts_.sites.PeerTable(node); };
  const auto table = co_await async::OnPool(parts_.blocking, read);
  if (!table.ok()) co_return Failed(*session, "peers", table.status());
  if (!table->empty()) co_await Send(session, MakeMessage("peers.sync", *table));
}

asio::awaitable<void> Courier::CarryCommands(SessionPtr session) {
  session->acknowledged.clear();
  auto read = [this, node = session->node_id] { return parts_.nodes.OpenCommands(node); };
  const auto commands = co_await async::OnPool(parts_.blocking, read);
  if (!commands.ok()) co_return Failed(*session, "commands", commands.status());
  const json::value list = json::parse(*commands);
  session->more_commands = list.as_array().size() >= kCommandsAtOnce;
  for (const auto& command : list.as_array()) {
    Message message;
    message.type = std::string(command.at("type").as_string());
    message.id = std::string(command.at("id").as_string());
    message.body = command.at("body").as_object();
    const bool is_over = session->acknowledged.contains(*message.id);
    if (is_over || !session->sent.insert(*message.id).second) continue;
    co_await Send(session, std::move(message));
  }
}

// What could not be read stays in the database, and the next connection begins with it.
void Courier::Failed(const Session& session, std::string_view what, const absl::Status& status) {
  parts_.log.Error("hub.sync_failed",
                   {{"node", session.node_id}, {"what", what}, {"reason", text::Message(status)}});
  session.socket->Close();
}

}  // namespace tentacle::backend
