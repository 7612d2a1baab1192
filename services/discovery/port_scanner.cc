#include "services/discovery/port_scanner.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <absl/time/time.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/unicast.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/text/display.h"
#include "services/discovery/core/port_names.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Calls `socket.cancel` when the time is up; ends with its owner.
void CancelAfter(asio::steady_timer& timer,
                 const std::shared_ptr<tcp::socket>& socket,
                 absl::Duration after) {
  timer.expires_after(absl::ToChronoNanoseconds(after));
  timer.async_wait([socket](const boost::system::error_code& error) {
    boost::system::error_code ignored;
    if (!error) socket->close(ignored);
  });
}

std::string Banner(std::string_view greeting) {
  const std::string_view line = greeting.substr(0, greeting.find_first_of("\r\n"));
  return text::DisplayText(line, limits::kMaxBannerBytes);
}

}  // namespace

// The order of knocking goes round the hosts, so that each has its turn.
struct PortScanner::Work {
  struct Job {
    std::size_t target;
    std::uint16_t port;
  };

  explicit Work(const asio::any_io_executor& home) : done(home), room(home) {
    done.expires_at(asio::steady_timer::time_point::max());
    room.expires_at(asio::steady_timer::time_point::max());
  }

  std::vector<PortTarget> targets;
  std::vector<std::uint16_t> ports;
  Known known;
  std::vector<std::size_t> next;    // Of each target: the port that is next.
  std::vector<std::size_t> in_use;  // Of each target: its connections.
  std::size_t turn = 0;
  std::size_t untried = 0;  // Of all targets together.
  std::size_t unanswered = 0;
  std::size_t workers = 0;
  std::chrono::steady_clock::time_point due = std::chrono::steady_clock::now();
  Found found;
  asio::steady_timer done;
  asio::steady_timer room;

  std::optional<Job> Take() {
    for (std::size_t tried = 0; tried < targets.size(); ++tried) {
      const std::size_t target = turn++ % targets.size();
      if (next[target] == ports.size() || in_use[target] == limits::kMaxConnectionsPerHost)
        continue;
      ++in_use[target];
      --untried;
      return Job{target, ports[next[target]++]};
    }
    return std::nullopt;
  }

  void OnAnswer(const Job& job, bool open) {
    if (open) {
      found[targets[job.target].mac].push_back({job.port, std::string(PortName(job.port)), {}});
    }
    if (--unanswered > 0) return;
    for (auto& [mac, list] : found) {
      std::sort(list.begin(), list.end(),
                [](const OpenPort& a, const OpenPort& b) { return a.port < b.port; });
    }
    known(found);
  }

  void OnGreeting(const Job& job, std::string greeting) {
    auto& list = found[targets[job.target].mac];
    const auto one = std::find_if(list.begin(), list.end(),
                                  [&job](const OpenPort& o) { return o.port == job.port; });
    one->banner = std::move(greeting);
  }

  // The pace of all together.
  std::chrono::steady_clock::time_point Due() {
    const auto gap = absl::ToChronoNanoseconds(absl::Seconds(1) / limits::kMaxConnectsPerSecond);
    const auto now = std::chrono::steady_clock::now();
    due = std::max(due + gap, now - std::chrono::milliseconds(20));
    return due;
  }
};

PortScanner::PortScanner(asio::any_io_executor home, Metrics& metrics)
    : home_(std::move(home)), metrics_(metrics) {}

asio::awaitable<absl::StatusOr<PortScanner::Found>> PortScanner::Scan(
    SelfPtr self, std::vector<PortTarget> targets, std::vector<std::uint16_t> ports, Known known) {
  if (self->running_) co_return absl::UnavailableError("another port scan runs");
  auto work = std::make_shared<Work>(self->home_);
  for (const PortTarget& target : targets)
    work->found[target.mac];
  if (targets.empty() || ports.empty()) {
    known(work->found);
    co_return std::move(work->found);
  }
  self->running_ = true;
  work->next.resize(targets.size());
  work->in_use.resize(targets.size());
  work->targets = std::move(targets);
  work->ports = std::move(ports);
  work->known = std::move(known);
  work->untried = work->unanswered = work->targets.size() * work->ports.size();
  const std::size_t at_once =
      work->targets.size() * std::min(limits::kMaxConnectionsPerHost, work->ports.size());
  work->workers = std::min(limits::kMaxConnections, at_once);
  for (std::size_t i = 0, count = work->workers; i < count; ++i) {
    asio::co_spawn(self->home_, Knock(self, work), asio::detached);
  }
  while (work->workers > 0)
    co_await work->done.async_wait(kTuple);
  self->running_ = false;
  co_return std::move(work->found);
}

asio::awaitable<void> PortScanner::Knock(SelfPtr self, WorkPtr work) {
  asio::steady_timer pace(self->home_);
  while (work->untried > 0) {
    const auto job = work->Take();
    if (!job) {
      // Every host that is left has as many connections as it may; one of them ends soon.
      co_await work->room.async_wait(kTuple);
      continue;
    }
    const auto due = work->Due();
    if (due > std::chrono::steady_clock::now()) {
      pace.expires_at(due);
      co_await pace.async_wait(kTuple);
    }
    const SocketPtr socket = co_await KnockAt(self, work->targets[job->target], job->port);
    work->OnAnswer(*job, socket != nullptr);
    if (socket != nullptr && Greets(job->port)) {
      std::string greeting = co_await Greeting(self, socket);
      work->OnGreeting(*job, std::move(greeting));
    }
    --work->in_use[job->target];
    work->room.cancel_one();
  }
  // Who waits for room has nothing to do any more.
  work->room.cancel();
  if (--work->workers == 0) work->done.cancel();
}

asio::awaitable<PortScanner::SocketPtr> PortScanner::KnockAt(SelfPtr self,
                                                             PortTarget target,
                                                             std::uint16_t port) {
  auto socket = std::make_shared<tcp::socket>(self->home_);
  asio::steady_timer limit(self->home_);
  boost::system::error_code error;
  socket->open(tcp::v4(), error);
  if (!error) socket->bind({asio::ip::address_v4(target.from), 0}, error);
  if (!error)
    socket->set_option(asio::ip::unicast::hops(1), error);  // Not a step further than the segment.
  if (error) {
    self->metrics_.PortProbed("failed");
    co_return nullptr;
  }
  CancelAfter(limit, socket, limits::kConnectTimeout);
  const tcp::endpoint endpoint(asio::ip::address_v4(target.address), port);
  const auto [refused] = co_await socket->async_connect(endpoint, kTuple);
  limit.cancel();
  if (refused) {
    self->metrics_.PortProbed(refused == asio::error::connection_refused ? "closed" : "silent");
    co_return nullptr;
  }
  self->metrics_.PortProbed("open");
  co_return socket;
}

asio::awaitable<std::string> PortScanner::Greeting(SelfPtr self, SocketPtr socket) {
  asio::steady_timer limit(self->home_);
  std::array<char, limits::kMaxBannerBytes> greeting{};
  CancelAfter(limit, socket, limits::kBannerWait);
  const auto [silent, size] = co_await socket->async_read_some(asio::buffer(greeting), kTuple);
  limit.cancel();
  if (silent) co_return std::string();
  co_return Banner({greeting.data(), size});
}

}  // namespace tentacle::discovery
