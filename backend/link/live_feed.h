// "Something changed": what the page hears over server-sent events. Home thread only.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "backend/store/report_store.h"
#include "libs/net/http_types.h"

namespace tentacle::backend {

class LiveFeed {
 public:
  explicit LiveFeed(boost::asio::any_io_executor home) : home_(std::move(home)) {}

  void Publish(const Change& change, std::string_view tentacle_id = "");
  // A text/event-stream; a reader that falls behind is closed and connects again. 503 when too many listen.
  net::HttpReply Subscribe();
  std::size_t subscribers() const { return subscribers_.size(); }

 private:
  struct Subscriber;
  boost::asio::any_io_executor home_;
  std::list<std::weak_ptr<Subscriber>> subscribers_;
};

}  // namespace tentacle::backend
