// The agent's end of the live channel (proto LiveService): frames upward wait for uplink's next
// fetch, frames downward go to whoever handles their type, and a connection to the backend that is
// gone is told to everyone.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "services/agent/metrics.h"

namespace tentacle::agent {

struct LiveFrame {
  std::string type;
  std::string body_json;
};

// Home thread only.
class LiveDesk {
 public:
  using Handler = std::function<void(const boost::json::object& body)>;

  LiveDesk(boost::asio::any_io_executor home, std::shared_ptr<Metrics> metrics);

  void Handle(std::string type, Handler handler) {
    handlers_[std::move(type)] = std::move(handler);
  }

  // Called when the connection has ended that everything so far came over.
  void OnLinkLost(std::function<void()> callback) { on_lost_.push_back(std::move(callback)); }

  // Dropped and counted when nobody is there or more than kMaxLiveBytes wait: whoever waits for
  // credit as he should never gets there.
  void Send(std::string type, const boost::json::object& body);

  // For the service. One fetch at a time; a later one ends the one before.
  boost::asio::awaitable<std::vector<LiveFrame>> Fetch(std::string link_id, absl::Duration wait);
  void Push(const std::string& link_id, const std::vector<LiveFrame>& frames);

  // Nobody waits any longer.
  void Stop();

 private:
  void UseLink(const std::string& link_id);
  void LoseLink();
  void WatchLink();

  boost::asio::any_io_executor home_;
  std::shared_ptr<Metrics> metrics_;
  std::map<std::string, Handler> handlers_;
  std::vector<std::function<void()>> on_lost_;
  std::string link_id_;
  std::deque<LiveFrame> waiting_;
  std::size_t waiting_bytes_ = 0;
  boost::asio::steady_timer arrived_;  // Cancelled when there is something to fetch.
  boost::asio::steady_timer watch_;    // Since the last fetch.
  std::uint64_t fetches_ = 0;
  bool stopped_ = false;
};

}  // namespace tentacle::agent
