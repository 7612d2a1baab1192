// A service that does nothing but produce events: the source of what the torture test counts.
//
//   torture_source NAME RUN_DIR STATE_DIR TOTAL PER_SECOND TASK_ID...
//
// Serves EventService as NAME and appends results until TOTAL are in its log, each with the number
// of its sequence, so that a killed source goes on where its log ends. Ends with 0 when the backend
// has confirmed all of them.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/clock.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/impl/codegen/service_type.h>

#include "libs/events/event_log.h"
#include "libs/events/event_service.h"
#include "libs/rpc/server.h"
#include "libs/store/store.h"

namespace tentacle::torture {
namespace {

namespace asio = boost::asio;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

struct Plan {
  std::string name;
  std::uint64_t total = 0;
  double per_second = 0;
  std::vector<std::string> tasks;
};

events::Event MakeTimeline(const Plan& plan, std::uint64_t number) {
  const std::string& task = plan.tasks[number % plan.tasks.size()];
  const absl::Time now = absl::Now();
  std::string body = fmt::format(
      R"({{"taskId":"{}","step":"torture","detail":"{}-{}","time":"{}"}})", task, plan.name, number,
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()));
  return events::MakeEvent("task.timeline", task, event::v1::PRIORITY_RESULT, std::move(body), now);
}

asio::awaitable<void> Produce(asio::any_io_executor home, events::EventLog& log, Plan plan) {
  asio::steady_timer pace(home);
  const auto gap = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(1 / plan.per_second));
  auto next = std::chrono::steady_clock::now();
  for (;;) {
    const std::uint64_t number = log.View(event::v1::PRIORITY_RESULT).last + 1;
    if (number > plan.total) break;
    const auto sequence = co_await log.Append(MakeTimeline(plan, number));
    if (!sequence.ok()) std::cerr << plan.name << ": refused: " << sequence.status() << "\n";
    // After a pause nothing is caught up: the pace is that of a service, not of a debt.
    next = std::max(next + gap, std::chrono::steady_clock::now() - std::chrono::milliseconds(50));
    pace.expires_at(next);
    co_await pace.async_wait(kTuple);
  }
  // Confirming is not announced; a look twice a second is what a person would do.
  while (log.View(event::v1::PRIORITY_RESULT).confirmed < plan.total) {
    pace.expires_after(std::chrono::milliseconds(500));
    co_await pace.async_wait(kTuple);
  }
  std::cout << plan.name << ": " << plan.total << " confirmed" << std::endl;
  std::_Exit(0);  // Like a service: what is durable needs no farewell.
}

int Run(const std::vector<std::string>& args) {
  if (args.size() < 7) {
    std::cerr << "usage: torture_source NAME RUN_DIR STATE_DIR TOTAL PER_SECOND TASK_ID...\n";
    return 64;
  }
  const Plan plan{.name = args[1],
                  .total = std::strtoull(args[4].c_str(), nullptr, 10),
                  .per_second = std::strtod(args[5].c_str(), nullptr),
                  .tasks = {args.begin() + 6, args.end()}};
  asio::io_context io(1);
  asio::thread_pool blocking(2);
  auto store = store::Store::Open(fmt::format("{}/{}/db", args[3], plan.name));
  if (!store.ok()) {
    std::cerr << plan.name << ": " << store.status() << "\n";
    return 1;
  }
  auto log = events::EventLog::Open(**store, io.get_executor(), blocking);
  if (!log.ok()) {
    std::cerr << plan.name << ": " << log.status() << "\n";
    return 1;
  }
  const auto service = events::MakeEventService(io.get_executor(), **log);
  rpc::Server server(io.get_executor(), rpc::PeerPolicy{});
  server.Register(*service);
  const absl::Status started = server.Start(fmt::format("{}/{}.sock", args[2], plan.name));
  if (!started.ok()) {
    std::cerr << plan.name << ": " << started << "\n";
    return 1;
  }
  std::signal(SIGTERM, [](int) { std::_Exit(143); });
  auto produce = Produce(io.get_executor(), **log, plan);
  asio::co_spawn(io, std::move(produce), asio::detached);
  io.run();
  return 0;
}

}  // namespace
}  // namespace tentacle::torture

int main(int argc, char** argv) {
  return tentacle::torture::Run({argv, argv + argc});
}
