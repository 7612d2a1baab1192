#include "backend/link/live_feed.h"

#include <fmt/format.h>

#include <chrono>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxSubscribers = 256;
constexpr std::size_t kMaxQueued = 256;
// Proxies close what is silent for a minute.
constexpr auto kKeepAlive = std::chrono::seconds(15);

}  // namespace

struct LiveFeed::Subscriber {
  explicit Subscriber(asio::any_io_executor home) : wake(std::move(home)) {}

  asio::steady_timer wake;
  std::deque<std::string> queue;
  bool overflown = false;

  static asio::awaitable<absl::StatusOr<std::string>> Next(std::shared_ptr<Subscriber> self) {
    if (self->overflown) co_return absl::ResourceExhaustedError("the reader fell behind");
    if (self->queue.empty()) {
      self->wake.expires_after(kKeepAlive);
      co_await self->wake.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (self->queue.empty()) co_return ": still here\n\n";
    std::string all;
    for (const std::string& one : self->queue)
      all += one;
    self->queue.clear();
    co_return all;
  }
};

void LiveFeed::PublishHere(const Change& change, std::string_view tentacle_id) {
  boost::json::object body{{"kind", change.kind}, {"id", change.id}};
  if (!tentacle_id.empty()) body["tentacleId"] = tentacle_id;
  const std::string line = fmt::format("data: {}\n\n", boost::json::serialize(body));
  for (auto at = subscribers_.begin(); at != subscribers_.end();) {
    const auto subscriber = at->lock();
    if (!subscriber) {
      at = subscribers_.erase(at);
      continue;
    }
    if (subscriber->queue.size() >= kMaxQueued) subscriber->overflown = true;
    // The same news twice in a row is one piece of news.
    if (subscriber->queue.empty() || subscriber->queue.back() != line)
      subscriber->queue.push_back(line);
    subscriber->wake.cancel();
    ++at;
  }
}

net::HttpReply LiveFeed::Subscribe() {
  std::erase_if(subscribers_, [](const auto& one) { return one.expired(); });
  if (subscribers_.size() >= kMaxSubscribers)
    return net::ProblemReply(503, "too many pages listen already");
  auto subscriber = std::make_shared<Subscriber>(home_);
  subscriber->queue.push_back("retry: 2000\n\n");
  subscribers_.push_back(subscriber);
  net::HttpReply reply;
  reply.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}};
  reply.stream = [subscriber] { return Subscriber::Next(subscriber); };
  return reply;
}

}  // namespace tentacle::backend
