#include "backend/link/replicas.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "libs/async/on_pool.h"
#include "libs/identity/identity.h"
#include "libs/text/view.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// A backend that is silent for four of them is taken for dead (presence_store.cc).
constexpr auto kHeartbeat = std::chrono::seconds(2);
// The other one probes for 4 s (hub.cc).
constexpr auto kQuestion = std::chrono::seconds(6);
// For a database that is slow at the start; the tentacle comes again after it.
constexpr auto kKnownWait = std::chrono::seconds(10);
// Changes for the pages of other backends are gathered for so long.
constexpr auto kLiveDelay = std::chrono::milliseconds(100);
// A payload of NOTIFY has 8,000 bytes at most; a change has about 60.
constexpr std::size_t kLiveAtOnce = 60;
// More than this between two breaths is an avalanche: the pages fetch again anyway.
constexpr std::size_t kMaxLive = 1024;

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

int Number(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? static_cast<int>(value->as_int64()) : 0;
}

// What a store's notification means (node_store.cc, task_store.cc).
Due DueOf(const std::string& kind, int task) {
  Due due;
  due.config = kind == "config";
  due.commands = kind == "commands";
  due.peers = kind == "peers";
  due.tasks = kind == "tasks" || kind == "task.new" || kind == "task.cancel";
  if (kind == "task.new") due.new_tasks.push_back(task);
  if (kind == "task.cancel") due.cancelled_tasks.push_back(task);
  return due;
}

}  // namespace

Replicas::Replicas(Parts parts) : parts_(std::move(parts)) {}

void Replicas::Start(Handlers handlers) {
  handlers_ = std::move(handlers);
  parts_.live.OnPublish(
      [this](const Change& change, std::string_view tentacle) { QueueLive(change, tentacle); });
  Notifications::Callbacks callbacks;
  callbacks.on_message = [this](std::string payload) {
    asio::post(parts_.home, [this, payload = std::move(payload)] { OnPayload(payload); });
  };
  callbacks.on_listening = [this] {
    asio::post(parts_.home, [this] {
      parts_.metrics.Listening(true);
      listening_ = true;
      BecameKnown();
      handlers_.on_gap();
    });
  };
  callbacks.on_lost = [this](const absl::Status& reason) {
    asio::post(parts_.home, [this, reason] {
      parts_.metrics.Listening(false);
      parts_.log.Warning("replicas.not_listening", {{"reason", text::Message(reason)}});
    });
  };
  notifications_ = std::make_unique<Notifications>(parts_.database_url, kNotifyChannel,
                                                   parts_.store.replica(), std::move(callbacks));
}

asio::awaitable<void> Replicas::Run() {
  asio::steady_timer timer(parts_.home);
  for (;;) {
    auto beat = [this] { return parts_.store.Heartbeat(); };
    const auto report = co_await async::OnPool(parts_.blocking, beat);
    if (report.ok()) {
      registered_ = true;
      BecameKnown();
      others_ = report->others;
      fleet_ = report->tentacles;
      parts_.metrics.Replicas(others_ + 1);
      if (!report->lost_nodes.empty()) {
        parts_.log.Warning("replicas.tentacles_lost", {{"count", report->lost_nodes.size()}});
      }
      for (const int node : report->lost_nodes)
        parts_.live.Publish({"node", std::to_string(node)});
      for (const int node : report->expired_nodes) {
        parts_.metrics.CommandExpired();
        parts_.live.Publish({"node", std::to_string(node)});
        parts_.live.Publish({"job", ""}, std::to_string(node));
      }
    } else {
      parts_.log.Error("replicas.heartbeat_failed", {{"reason", text::Message(report.status())}});
    }
    timer.expires_after(kHeartbeat);
    co_await timer.async_wait(kTuple);
  }
}

asio::awaitable<bool> Replicas::Known() {
  if (!known()) {
    auto timer = std::make_shared<asio::steady_timer>(parts_.home, kKnownWait);
    waiting_.push_back(timer);
    co_await timer->async_wait(kTuple);
    std::erase(waiting_, timer);
  }
  co_return known();
}

void Replicas::BecameKnown() {
  if (!known()) return;
  for (const auto& timer : waiting_)
    timer->cancel();
}

void Replicas::OnPayload(const std::string& payload) {
  boost::system::error_code error;
  const json::value value = json::parse(payload, error);
  if (error || !value.is_object()) return;
  const json::object& note = value.as_object();
  const std::string kind = Text(note, "kind");
  const int node = Number(note, "node");
  const bool own = Text(note, "from") == parts_.store.replica();
  if (kind == "removed") {
    handlers_.on_removed(node);
  } else if (kind == "clone.forgotten") {
    handlers_.on_clone_forgotten(node);
  } else if (kind == "question") {
    if (Text(note, "to") != parts_.store.replica()) return;
    auto answer = Answer(Text(note, "from"), node, Text(note, "instance"), Text(note, "question"));
    asio::co_spawn(parts_.home, std::move(answer), asio::detached);
  } else if (kind == "answer") {
    const auto at = questions_.find(Text(note, "question"));
    if (at == questions_.end()) return;
    at->second->alive = Number(note, "alive") == 1;
    at->second->answered.cancel();
  } else if (kind == "live") {
    const auto* changes = note.if_contains("changes");
    if (own || changes == nullptr || !changes->is_array()) return;
    for (const auto& one : changes->as_array()) {
      if (!one.is_object()) continue;
      const json::object& change = one.as_object();
      parts_.live.PublishHere({Text(change, "k"), Text(change, "i")}, Text(change, "t"));
    }
  } else if (node != 0) {
    handlers_.on_due(node, DueOf(kind, Number(note, "task")));
  }
}

asio::awaitable<bool> Replicas::IsAliveElsewhere(std::string replica,
                                                 int node_id,
                                                 std::string instance) {
  const std::string id = identity::RandomHex(8);
  auto question = std::make_shared<Question>(parts_.home);
  question->answered.expires_after(kQuestion);
  questions_[id] = question;
  const json::object note{{"kind", "question"}, {"from", parts_.store.replica()}, {"to", replica},
                          {"node", node_id},    {"instance", instance},           {"question", id}};
  co_await Tell(json::serialize(note));
  co_await question->answered.async_wait(kTuple);
  questions_.erase(id);
  co_return question->alive;
}

asio::awaitable<void> Replicas::Answer(std::string to,
                                       int node_id,
                                       std::string instance,
                                       std::string question) {
  const bool alive = co_await handlers_.is_alive(node_id, std::move(instance));
  const json::object note{
      {"kind", "answer"}, {"from", parts_.store.replica()}, {"to", to},
      {"node", node_id},  {"question", question},           {"alive", alive ? 1 : 0}};
  co_await Tell(json::serialize(note));
}

asio::awaitable<void> Replicas::Tell(std::string payload) {
  auto tell = [this, payload = std::move(payload)] { return parts_.store.Notify(payload); };
  const absl::Status status = co_await async::OnPool(parts_.blocking, tell);
  if (!status.ok())
    parts_.log.Warning("replicas.notify_failed", {{"reason", text::Message(status)}});
}

void Replicas::QueueLive(const Change& change, std::string_view tentacle_id) {
  if (others_ == 0 || live_.size() >= kMaxLive) return;
  std::string one =
      json::serialize(json::object{{"k", change.kind}, {"i", change.id}, {"t", tentacle_id}});
  if (!live_.empty() && live_.back() == one) return;
  live_.push_back(std::move(one));
  if (std::exchange(telling_live_, true)) return;
  auto tell = TellLive();
  asio::co_spawn(parts_.home, std::move(tell), asio::detached);
}

asio::awaitable<void> Replicas::TellLive() {
  asio::steady_timer delay(parts_.home, kLiveDelay);
  co_await delay.async_wait(kTuple);
  while (!live_.empty()) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(live_.size(), kLiveAtOnce));
    std::string list;
    for (auto at = live_.begin(); at != live_.begin() + count; ++at)
      list += (list.empty() ? "" : ",") + *at;
    live_.erase(live_.begin(), live_.begin() + count);
    co_await Tell(fmt::format(R"({{"kind":"live","from":"{}","changes":[{}]}})",
                              parts_.store.replica(), list));
  }
  telling_live_ = false;
}

}  // namespace tentacle::backend
