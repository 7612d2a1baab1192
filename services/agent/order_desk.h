// Takes the backend's orders: believes what the pinned command key has signed, for this node and in
// time, and hands it to whoever carries it out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <boost/asio/awaitable.hpp>

#include "libs/backend_link/order.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/agent/job_runner.h"
#include "services/agent/metrics.h"

namespace tentacle::agent {

struct SignedOrder {
  std::string text;
  std::string signature;         // Base64.
  std::string reference;         // What uplink knows it by.
  std::string credentials = {};  // Beside it; the text has their SHA-256.
};

// Home thread only.
class OrderDesk {
 public:
  // InvalidArgument: the order has a field that is wrong. Unavailable and the store's errors: to be
  // tried again. Everything else is final.
  using Handler = std::function<boost::asio::awaitable<absl::Status>(backend_link::Order order)>;

  OrderDesk(const runtime::Clock& clock,
            runtime::Log log,
            std::shared_ptr<Metrics> metrics,
            std::shared_ptr<JobRunner> jobs);

  // Whose orders are believed: the backend's key, and who we are.
  void Configure(std::string command_key, std::string node_id);

  // Further kinds of orders, by their type.
  void Add(std::string type, Handler handler) { handlers_[std::move(type)] = std::move(handler); }

  boost::asio::awaitable<absl::Status> Take(SignedOrder order);
  // PermissionDenied, InvalidArgument: it is not to be believed, or no order.
  absl::StatusOr<backend_link::Order> Read(const SignedOrder& order) const;

 private:
  boost::asio::awaitable<absl::Status> CarryOut(backend_link::Order order);
  boost::asio::awaitable<absl::Status> RunJob(backend_link::Order order);
  boost::asio::awaitable<absl::Status> CancelJob(backend_link::Order order);

  const runtime::Clock& clock_;
  runtime::Log log_;
  std::shared_ptr<Metrics> metrics_;
  std::shared_ptr<JobRunner> jobs_;
  std::map<std::string, Handler> handlers_;
  std::string command_key_;
  std::string node_id_;
};

}  // namespace tentacle::agent
