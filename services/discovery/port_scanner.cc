#include "services/discovery/port_scanner.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <absl/time/time.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/text/display.h"
#include "services/discovery/core/port_names.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// A socket on its way to `target`, or a negative errno. From where, and not a step further than the
// segment. The kernel chooses the port when it knows where to: a port that is bound before that is
// nobody else's.
int BeginConnect(const PortTarget& target, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  const int hops = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(target.from);
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  bool begun = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
               ::setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops) == 0;
  address.sin_addr.s_addr = htonl(target.address);
  address.sin_port = htons(port);
  begun =
      begun && (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
                errno == EINPROGRESS);
  if (begun) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

// Who is near has answered by now.
bool IsSettled(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, 0) > 0;
}

int ErrorOf(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::string_view Outcome(int error) {
  switch (error) {
    case 0:
      return "open";
    case ECONNREFUSED:
      return "closed";
    case ETIMEDOUT:
    case EHOSTUNREACH:
      return "silent";
    default:
      return "failed";
  }
}

std::string Banner(std::string_view greeting) {
  const std::string_view line = greeting.substr(0, greeting.find_first_of("\r\n"));
  return text::DisplayText(line, limits::kMaxBannerBytes);
}

}  // namespace

// The order of knocking goes round the hosts, so that each has its turn.
struct PortScanner::Work {
  using Time = asio::steady_timer::time_point;

  struct Job {
    std::size_t target;
    std::uint16_t port;
  };

  struct Attempt {
    tcp::socket socket;
    Time until = Time::max();
  };

  explicit Work(const asio::any_io_executor& home) : done(home), room(home), tick(home) {
    done.expires_at(Time::max());
    room.expires_at(Time::max());
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
  std::vector<Attempt> attempts;  // One a worker.
  Time due = Time::min();
  Found found;
  asio::steady_timer done;
  asio::steady_timer room;
  asio::steady_timer tick;

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

  // The pace of all together: when the next one may go. Those that have to wait go in small groups,
  // since a timer for each would cost more than the connection.
  Time Due(Time now) {
    const auto gap = absl::ToChronoNanoseconds(absl::Seconds(1) / limits::kMaxConnectsPerSecond);
    due = std::max(due, now - absl::ToChronoNanoseconds(limits::kConnectBurst)) + gap;
    return std::chrono::ceil<std::chrono::milliseconds>(due);
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
  for (std::size_t i = 0; i < work->workers; ++i)
    work->attempts.push_back({tcp::socket(self->home_)});
  asio::co_spawn(self->home_, WatchTime(work), asio::detached);
  for (std::size_t i = 0; i < work->attempts.size(); ++i)
    asio::co_spawn(self->home_, Knock(self, work, i), asio::detached);
  while (work->workers > 0)
    co_await work->done.async_wait(kTuple);
  self->running_ = false;
  co_return std::move(work->found);
}

asio::awaitable<void> PortScanner::Knock(SelfPtr self, WorkPtr work, std::size_t number) {
  Work::Attempt& attempt = work->attempts[number];
  asio::steady_timer pace(self->home_);
  while (work->untried > 0) {
    const auto job = work->Take();
    if (!job) {
      // Every host that is left has as many connections as it may; one of them ends soon.
      co_await work->room.async_wait(kTuple);
      continue;
    }
    const auto now = std::chrono::steady_clock::now();
    const auto due = work->Due(now);
    if (due > now) {
      pace.expires_at(due);
      co_await pace.async_wait(kTuple);
    }
    attempt.until = std::max(due, now) + absl::ToChronoNanoseconds(limits::kConnectTimeout);
    const bool open = co_await KnockAt(self, work->targets[job->target], job->port, attempt.socket);
    work->OnAnswer(*job, open);
    if (open && Greets(job->port)) {
      attempt.until =
          std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limits::kBannerWait);
      std::string greeting = co_await Greeting(attempt.socket);
      work->OnGreeting(*job, std::move(greeting));
    }
    boost::system::error_code ignored;
    attempt.socket.close(ignored);
    attempt.until = Work::Time::max();
    --work->in_use[job->target];
    work->room.cancel_one();
  }
  // Who waits for room has nothing to do any more.
  work->room.cancel();
  if (--work->workers > 0) co_return;
  work->tick.cancel();
  work->done.cancel();
}

// One timer for all: a timer for each would be set and taken back with every closed port.
asio::awaitable<void> PortScanner::WatchTime(WorkPtr work) {
  while (work->workers > 0) {
    const auto now = std::chrono::steady_clock::now();
    for (Work::Attempt& attempt : work->attempts) {
      boost::system::error_code ignored;
      if (attempt.until <= now) attempt.socket.close(ignored);
    }
    work->tick.expires_after(absl::ToChronoNanoseconds(limits::kConnectTick));
    co_await work->tick.async_wait(kTuple);
  }
}

asio::awaitable<bool> PortScanner::KnockAt(SelfPtr self,
                                           PortTarget target,
                                           std::uint16_t port,
                                           tcp::socket& socket) {
  const int fd = BeginConnect(target, port);
  int error = fd < 0 ? -fd : 0;
  boost::system::error_code failed;
  if (fd >= 0 && IsSettled(fd)) {
    error = ErrorOf(fd);
    if (error == 0) socket.assign(tcp::v4(), fd, failed);
    if (error != 0 || failed) ::close(fd);
  } else if (fd >= 0) {
    socket.assign(tcp::v4(), fd, failed);
    if (failed) ::close(fd);
    const auto [waited] = co_await socket.async_wait(tcp::socket::wait_write, kTuple);
    // Its time was over, perhaps just when it was answered.
    error = waited || !socket.is_open() ? ETIMEDOUT : ErrorOf(fd);
  }
  if (failed) error = failed.value();
  self->metrics_.PortProbed(Outcome(error));
  co_return error == 0;
}

asio::awaitable<std::string> PortScanner::Greeting(tcp::socket& socket) {
  std::array<char, limits::kMaxBannerBytes> greeting{};
  const auto [silent, size] = co_await socket.async_read_some(asio::buffer(greeting), kTuple);
  if (silent) co_return std::string();
  co_return Banner({greeting.data(), size});
}

}  // namespace tentacle::discovery
