// All open shells: who may open one, what goes to and from each, and that each is recorded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "libs/backend_link/order.h"
#include "libs/runtime/log.h"
#include "services/agent/core/shell_order.h"
#include "services/agent/live_desk.h"
#include "services/agent/metrics.h"
#include "services/agent/order_desk.h"
#include "services/agent/shell_orders.h"
#include "services/agent/shell_session.h"

namespace tentacle::agent {

// Home thread. Made by make_shared.
class ShellDesk : public std::enable_shared_from_this<ShellDesk> {
 public:
  // All must outlive it.
  ShellDesk(ShellSession::Parts parts,
            store::Store& store,
            OrderDesk& orders,
            std::shared_ptr<Metrics> metrics,
            runtime::Log log);

  // Takes the messages of the live channel from here on.
  void Start();
  // A policy that forbids shells ends those that are open.
  void Configure(ShellPolicy policy);
  void Stop();

  std::size_t open() const { return sessions_.size(); }

 private:
  static boost::asio::awaitable<void> Open(std::shared_ptr<ShellDesk> self, SignedOrder order);
  static boost::asio::awaitable<void> Serve(std::shared_ptr<ShellDesk> self,
                                            std::shared_ptr<ShellSession> session,
                                            std::uint64_t endings);
  // What may be opened; PermissionDenied, InvalidArgument, ResourceExhausted with the reason.
  absl::StatusOr<ShellOrder> Judge(const SignedOrder& order);
  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<ShellSession>>> Launch(ShellOrder order);
  ShellSession* Find(const boost::json::object& body) const;
  void EndAll(const std::string& reason);

  ShellSession::Parts parts_;
  ShellOrders used_;
  OrderDesk& orders_;
  std::shared_ptr<Metrics> metrics_;
  runtime::Log log_;
  ShellPolicy policy_;
  std::map<std::string, std::shared_ptr<ShellSession>> sessions_;
  std::size_t opening_ = 0;
  std::uint64_t endings_ = 0;  // How often all were ended, and why the last time.
  std::string last_ending_;
};

}  // namespace tentacle::agent
