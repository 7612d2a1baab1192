// "Something changed": what the page hears over server-sent events. Home thread only.
#pragma once

#include <deque>
#include <functional>
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

  // To the pages here, and to whoever wants to carry it further.
  void Publish(const Change& change, std::string_view tentacle_id = "") {
    PublishHere(change, tentacle_id);
    if (on_publish_) on_publish_(change, tentacle_id);
  }

  void PublishHere(const Change& change, std::string_view tentacle_id);

  void OnPublish(std::function<void(const Change& change, std::string_view tentacle_id)> callback) {
    on_publish_ = std::move(callback);
  }

  // A text/event-stream; a reader that falls behind is closed and connects again. 503 when too many
  // listen.
  net::HttpReply Subscribe();

  std::size_t subscribers() const { return subscribers_.size(); }

 private:
  struct Subscriber;
  boost::asio::any_io_executor home_;
  std::list<std::weak_ptr<Subscriber>> subscribers_;
  std::function<void(const Change& change, std::string_view tentacle_id)> on_publish_;
};

}  // namespace tentacle::backend
