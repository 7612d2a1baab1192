// Where DHCP, TFTP, HTTP and gRPC meet the one table of tasks: each asks the desk, the desk asks the core, writes down
// what changed and reports it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/async/turn.h"
#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/pxe/core/boot_table.h"
#include "services/pxe/core/boot_request.h"
#include "services/pxe/metrics.h"
#include "services/pxe/peers.h"
#include "services/pxe/task_dir.h"

namespace tentacle::pxe {

// Why a request for orders was not granted: what HTTP answers.
struct OrdersRefusal {
  unsigned status = 403;
  std::string detail;
};

// Home thread only.
class BootDesk {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    const runtime::Clock& clock;
    runtime::Log log;
    events::EventLog& events;
    Metrics& metrics;
    CachePeer& cache;
    TaskDir& files;
    std::string secret;
  };
  explicit BootDesk(Parts parts);

  // What was written down before a restart; corrupt files are set aside and told. Blocks, and comes before anything is
  // awaited: a table that uplink pushes meanwhile would otherwise begin tasks anew that are under way.
  absl::Status Restore();
  void SetEnabled(bool enabled) { enabled_ = enabled; }
  bool enabled() const { return enabled_; }

  // DHCP: nothing when the machine may be answered.
  std::optional<DropReason> Admit(const BootRequest& boot) const;
  // The same for TFTP, where a MAC is all that is known.
  std::optional<DropReason> Admit(const wire::MacAddress& mac) const;
  void Answered(const BootRequest& boot, DhcpPort port, std::string_view file);
  // TFTP: the loader went out whole.
  void LoaderSent(const wire::MacAddress& mac, std::string_view file, absl::Duration took);
  // Something worth a line in the timeline of the machine's task, when it has one.
  void Note(const wire::MacAddress& mac, std::string_view step, std::string_view detail);

  // HTTP.
  // `boots`: the machine itself asks; otherwise somebody only looks and nothing moves.
  std::optional<std::string> Script(const wire::MacAddress& mac, const std::string& our_ip, std::uint16_t http_port,
                                    bool boots);
  boost::asio::awaitable<std::variant<std::string, OrdersRefusal>> Orders(std::string token, std::string address,
                                                                          std::string our_ip, std::uint16_t http_port);
  // Returns when the report is durable here.
  boost::asio::awaitable<absl::Status> Report(std::string task_id, std::string token, pxe::Report report);

  // gRPC.
  boost::asio::awaitable<std::vector<RefusedTask>> Replace(std::uint64_t revision,
                                                           std::vector<task::v1::BootTask> tasks);
  const BootTable& table() const { return table_; }

  // Asks the cache for the images of new tasks until it has taken each request. Ends when cancelled.
  boost::asio::awaitable<void> PullImages();

 private:
  OrdersRefusal RefuseOrders(OrdersVerdict verdict, const std::string& address);
  void Timeline(const TrackedTask& task, std::string_view step, std::string_view detail);
  void CountTasks();
  // Writes the task down and reports its status; both done when it returns.
  boost::asio::awaitable<absl::Status> Settle(TrackedTask task);
  void SettleLater(TrackedTask task);
  boost::asio::awaitable<absl::Status> SaveFile(TrackedTask task);
  boost::asio::awaitable<void> Tell(wire::MacAddress mac, std::string message);

  Parts parts_;
  BootTable table_;
  bool enabled_ = true;
  async::Turn file_turn_;
  std::set<std::string> wanted_images_;
  boost::asio::steady_timer pull_wake_;
};

}  // namespace tentacle::pxe
