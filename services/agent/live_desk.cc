#include "services/agent/live_desk.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;

LiveDesk::LiveDesk(asio::any_io_executor home, std::shared_ptr<Metrics> metrics)
    : home_(home), metrics_(std::move(metrics)), arrived_(home), watch_(home) {}

void LiveDesk::Send(std::string type, const boost::json::object& body) {
  std::string json = boost::json::serialize(body);
  if (link_id_.empty() || waiting_bytes_ + json.size() > limits::kMaxLiveBytes) {
    metrics_->LiveFrame("dropped");
    return;
  }
  metrics_->LiveFrame("sent");
  waiting_bytes_ += json.size();
  waiting_.push_back({std::move(type), std::move(json)});
  arrived_.cancel();
}

asio::awaitable<std::vector<LiveFrame>> LiveDesk::Fetch(std::string link_id, absl::Duration wait) {
  UseLink(link_id);
  const std::uint64_t mine = ++fetches_;
  arrived_.cancel();  // Whoever waited before.
  const auto until = std::chrono::steady_clock::now() +
                     absl::ToChronoNanoseconds(std::min(wait, limits::kMaxLiveWait));
  while (waiting_.empty() && !stopped_ && mine == fetches_) {
    if (std::chrono::steady_clock::now() >= until) break;
    arrived_.expires_at(until);
    co_await arrived_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  std::vector<LiveFrame> frames;
  std::size_t bytes = 0;
  while (mine == fetches_ && link_id == link_id_ && !waiting_.empty() &&
         (frames.empty() || bytes + waiting_.front().body_json.size() <= limits::kLivePageBytes)) {
    bytes += waiting_.front().body_json.size();
    waiting_bytes_ -= waiting_.front().body_json.size();
    frames.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  WatchLink();
  co_return frames;
}

void LiveDesk::Push(const std::string& link_id, const std::vector<LiveFrame>& frames) {
  UseLink(link_id);
  for (const auto& frame : frames) {
    boost::json::error_code error;
    const auto body = boost::json::parse(frame.body_json, error);
    const auto handler = handlers_.find(frame.type);
    const bool good = !error && body.is_object() && handler != handlers_.end();
    metrics_->LiveFrame(good ? "received" : "refused");
    if (good) handler->second(body.get_object());
  }
}

void LiveDesk::UseLink(const std::string& link_id) {
  if (link_id == link_id_) return;
  LoseLink();
  link_id_ = link_id;
  WatchLink();
}

void LiveDesk::LoseLink() {
  if (std::exchange(link_id_, {}).empty()) return;
  waiting_.clear();
  waiting_bytes_ = 0;
  for (const auto& callback : on_lost_)
    callback();
}

void LiveDesk::WatchLink() {
  if (stopped_) return;
  watch_.expires_after(absl::ToChronoNanoseconds(limits::kLiveLinkSilence));
  watch_.async_wait([this](const boost::system::error_code& error) {
    if (!error) LoseLink();
  });
}

void LiveDesk::Stop() {
  stopped_ = true;
  LoseLink();
  arrived_.cancel();
  watch_.cancel();
}

}  // namespace tentacle::agent
