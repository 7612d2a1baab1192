// Pages that look on: a job's output while it is written, a node's figures every second, as
// server-sent events. Home thread only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>

#include "backend/link/hub.h"
#include "libs/net/http_types.h"

namespace tentacle::backend {

class WatchHub {
 public:
  // Takes what tentacles say to lookers-on from `hub` from here on; must outlive it.
  WatchHub(boost::asio::any_io_executor home, Hub& hub);

  // A text/event-stream of what node `node_id` says about `what` ({"jobId"} or nothing). 409 when
  // it is away.
  net::HttpReply Watch(int node_id, boost::json::object what);

 private:
  struct Watcher;
  void OnMessage(int node_id, const backend_link::Message& message);
  void OnGone(int node_id);

  boost::asio::any_io_executor home_;
  Hub& hub_;
  std::map<std::string, std::weak_ptr<Watcher>> watchers_;
};

}  // namespace tentacle::backend
