#include "backend/link/watch_hub.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>

#include "libs/identity/identity.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxWatchers = 64;
// Proxies close what is silent for a minute.
constexpr auto kKeepAlive = std::chrono::seconds(15);

std::string Text(const json::object& object, const char* name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

struct WatchHub::Watcher {
  Watcher(WatchHub& its_hub, int its_node, std::string its_id)
      : hub(its_hub), node_id(its_node), id(std::move(its_id)), wake(its_hub.home_) {}

  ~Watcher() { hub.hub_.SendLive(node_id, {"live.stop", std::nullopt, {{"watch", id}}}); }

  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  WatchHub& hub;
  int node_id;
  std::string id;
  std::string waiting;      // Bounded by the agent's window.
  std::size_t unacked = 0;  // Octets of output in it.
  bool over = false;
  asio::steady_timer wake;

  // Asked again when the page's socket has taken what was returned before: only then there is
  // credit for more.
  static asio::awaitable<absl::StatusOr<std::string>> Next(std::shared_ptr<Watcher> self) {
    if (self->unacked > 0) {
      const auto bytes = std::exchange(self->unacked, 0);
      self->hub.hub_.SendLive(self->node_id,
                              {"live.ack", std::nullopt, {{"watch", self->id}, {"bytes", bytes}}});
    }
    if (self->waiting.empty()) {
      if (self->over) co_return std::string();
      self->wake.expires_after(kKeepAlive);
      co_await self->wake.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (self->waiting.empty()) co_return ": still here\n\n";
    co_return std::exchange(self->waiting, {});
  }
};

WatchHub::WatchHub(asio::any_io_executor home, Hub& hub) : home_(std::move(home)), hub_(hub) {
  hub_.OnLive(
      "live.", [this](int node, const backend_link::Message& message) { OnMessage(node, message); },
      [this](int node) { OnGone(node); });
}

net::HttpReply WatchHub::Watch(int node_id, json::object what) {
  std::erase_if(watchers_, [](const auto& one) { return one.second.expired(); });
  if (watchers_.size() >= kMaxWatchers) return net::ProblemReply(503, "too many look on already");
  if (!hub_.IsOnline(node_id)) return net::ProblemReply(409, "the tentacle is not connected");
  auto watcher = std::make_shared<Watcher>(*this, node_id, identity::RandomHex(16));
  watchers_[watcher->id] = watcher;
  what["watch"] = watcher->id;
  hub_.SendLive(node_id, {"live.watch", std::nullopt, std::move(what)});
  net::HttpReply reply;
  reply.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}};
  reply.stream = [watcher] { return Watcher::Next(watcher); };
  return reply;
}

void WatchHub::OnMessage(int node_id, const backend_link::Message& message) {
  const auto found = watchers_.find(Text(message.body, "watch"));
  const auto watcher = found == watchers_.end() ? nullptr : found->second.lock();
  if (watcher == nullptr || watcher->node_id != node_id) return;
  json::object body = message.body;
  body.erase("watch");
  if (message.type == "live.output") watcher->unacked += Text(body, "data").size();
  if (message.type == "live.end") watcher->over = true;
  watcher->waiting +=
      fmt::format("event: {}\ndata: {}\n\n", message.type.substr(5), json::serialize(body));
  watcher->wake.cancel();
}

void WatchHub::OnGone(int node_id) {
  for (const auto& [id, weak] : watchers_) {
    const auto watcher = weak.lock();
    if (watcher == nullptr || watcher->node_id != node_id) continue;
    watcher->over = true;
    watcher->waiting += "event: end\ndata: {\"reason\":\"the line to the tentacle broke\"}\n\n";
    watcher->wake.cancel();
  }
}

}  // namespace tentacle::backend
