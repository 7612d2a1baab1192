#include "services/discovery/port_scanner.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/time/time.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/display.h"
#include "services/discovery/core/port_names.h"
#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

std::chrono::nanoseconds Chrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

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

// What the lanes share. The order of knocking goes round the hosts, so that each has its turn.
struct PortScanner::Work {
  struct Job {
    std::size_t target;
    std::uint16_t port;
  };

  // What a lane may do next: knock, wait for one of its own or until a time, or go.
  struct Turn {
    std::optional<Job> job = std::nullopt;
    Time at = Time::max();
    bool over = false;
  };

  explicit Work(const asio::any_io_executor& home) : done(home) { done.expires_at(Time::max()); }

  // Set before the lanes begin.
  std::vector<PortTarget> targets;
  std::vector<std::uint16_t> ports;
  Known known;

  std::mutex mutex;                 // Guards what follows, but for the last two.
  std::vector<std::size_t> next;    // Of each target: the port that is next.
  std::vector<std::size_t> in_use;  // Of each target: its connections.
  std::size_t turn = 0;
  std::size_t untried = 0;  // Of all targets together.
  std::size_t unanswered = 0;
  Time due = Time::min();
  Found found;
  std::map<std::string_view, std::size_t> outcomes;

  std::size_t lanes = limits::kConnectLanes;  // Home thread.
  asio::steady_timer done;

  Turn Take(Time now) {
    const std::lock_guard lock(mutex);
    if (untried == 0) return {.over = true};
    // The pace of all together. What was not used of it lately may be used at once.
    const auto gap = Chrono(absl::Seconds(1) / limits::kMaxConnectsPerSecond);
    due = std::max(due, now - Chrono(limits::kConnectBurst));
    if (due > now) return {.at = due};
    for (std::size_t tried = 0; tried < targets.size(); ++tried) {
      const std::size_t target = turn++ % targets.size();
      if (next[target] == ports.size() || in_use[target] == limits::kMaxConnectionsPerHost)
        continue;
      due += gap;
      ++in_use[target];
      --untried;
      return {.job = Job{target, ports[next[target]++]}};
    }
    // Every host that is left has as many connections as it may; one of them may be another lane's.
    return {.at = now + Chrono(limits::kConnectTick)};
  }

  // What is open, once that is known of all.
  std::optional<Found> OnAnswer(const Job& job, int error) {
    const std::lock_guard lock(mutex);
    ++outcomes[Outcome(error)];
    if (error == 0)
      found[targets[job.target].mac].push_back({job.port, std::string(PortName(job.port)), {}});
    if (--unanswered > 0) return std::nullopt;
    for (auto& [mac, list] : found) {
      std::sort(list.begin(), list.end(),
                [](const OpenPort& a, const OpenPort& b) { return a.port < b.port; });
    }
    return found;
  }

  void OnGreeting(const Job& job, std::string_view greeting) {
    const std::lock_guard lock(mutex);
    auto& list = found[targets[job.target].mac];
    const auto one = std::find_if(list.begin(), list.end(),
                                  [&job](const OpenPort& o) { return o.port == job.port; });
    one->banner = Banner(greeting);
  }

  void OnClosed(const Job& job) {
    const std::lock_guard lock(mutex);
    --in_use[job.target];
  }
};

// A thread of a scan with its share of the connections. The kernel does most of what a connection
// costs on the thread that asks for it.
class PortScanner::Lane {
 public:
  Lane(asio::any_io_executor home, Work& work) : home_(std::move(home)), work_(work) {}

  void Run() {
    for (;;) {
      const Work::Turn turn = Begin();
      if (turn.over && open_.empty()) return;
      Wait(turn.at);
    }
  }

 private:
  struct Connection {
    int fd;
    Work::Job job;
    Time until;
    bool greets = false;  // It is open, and may say something.
  };

  // As many as may be; why no more.
  Work::Turn Begin() {
    while (open_.size() < limits::kMaxConnections / limits::kConnectLanes) {
      const Work::Turn turn = work_.Take(Clock::now());
      if (!turn.job) return turn;
      const int fd = BeginConnect(work_.targets[turn.job->target], turn.job->port);
      Connection connection{fd, *turn.job, Clock::now() + Chrono(limits::kConnectTimeout)};
      if (fd < 0) {
        Answered(connection, -fd);
      } else if (!IsSettled(fd) || Answered(connection, ErrorOf(fd))) {
        open_.push_back(connection);
      }
    }
    return {};
  }

  void Wait(Time at) {
    std::vector<pollfd> fds;
    fds.reserve(open_.size());
    for (const Connection& one : open_) {
      fds.push_back({one.fd, static_cast<short>(one.greets ? POLLIN : POLLOUT), 0});
      at = std::min(at, one.until);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at - Clock::now());
    ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(0, left.count())));
    const Time now = Clock::now();
    std::vector<Connection> still_open;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (Serve(open_[i], fds[i].revents != 0, now)) still_open.push_back(open_[i]);
    }
    open_ = std::move(still_open);
  }

  // True: it stays open.
  bool Serve(Connection& one, bool ready, Time now) {
    if (one.greets) {
      if (!ready && one.until > now) return true;
      std::array<char, limits::kMaxBannerBytes> greeting{};
      const ssize_t size = ready ? ::recv(one.fd, greeting.data(), greeting.size(), 0) : 0;
      work_.OnGreeting(one.job,
                       {greeting.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size))});
      Close(one);
      return false;
    }
    if (ready) return Answered(one, ErrorOf(one.fd));
    return one.until > now || Answered(one, ETIMEDOUT);
  }

  // True: it stays open, because it may greet.
  bool Answered(Connection& one, int error) {
    if (auto open = work_.OnAnswer(one.job, error)) {
      asio::post(home_, [known = work_.known, open = *std::move(open)] { known(open); });
    }
    one.greets = error == 0 && Greets(one.job.port);
    one.until = Clock::now() + Chrono(limits::kBannerWait);
    if (!one.greets) Close(one);
    return one.greets;
  }

  void Close(const Connection& one) {
    if (one.fd >= 0) ::close(one.fd);
    work_.OnClosed(one.job);
  }

  asio::any_io_executor home_;
  Work& work_;
  std::vector<Connection> open_;
};

PortScanner::PortScanner(asio::any_io_executor home, Metrics& metrics)
    : home_(std::move(home)), metrics_(metrics) {}

asio::awaitable<absl::StatusOr<PortScanner::Found>> PortScanner::Scan(
    SelfPtr self, std::vector<PortTarget> targets, std::vector<std::uint16_t> ports, Known known) {
  if (self->running_) co_return absl::UnavailableError("another port scan runs");
  if (targets.empty() || ports.empty()) {
    Found none;
    for (const PortTarget& target : targets)
      none[target.mac];
    known(none);
    co_return none;
  }
  self->running_ = true;
  auto work = std::make_shared<Work>(self->home_);
  for (const PortTarget& target : targets)
    work->found[target.mac];
  work->next.resize(targets.size());
  work->in_use.resize(targets.size());
  work->untried = work->unanswered = targets.size() * ports.size();
  work->targets = std::move(targets);
  work->ports = std::move(ports);
  work->known = std::move(known);
  asio::thread_pool threads(limits::kConnectLanes);
  for (std::size_t i = 0; i < limits::kConnectLanes; ++i)
    asio::co_spawn(self->home_, RunLane(self, work, threads), asio::detached);
  while (work->lanes > 0)
    co_await work->done.async_wait(kTuple);
  self->running_ = false;
  for (const auto& [outcome, count] : work->outcomes)
    self->metrics_.PortsProbed(outcome, count);
  co_return std::move(work->found);
}

asio::awaitable<void> PortScanner::RunLane(SelfPtr self, WorkPtr work, asio::thread_pool& threads) {
  auto run = [home = self->home_, &work = *work] {
    Lane(home, work).Run();
    return true;
  };
  co_await async::OnPool(threads, run);
  if (--work->lanes == 0) work->done.cancel();
}

}  // namespace tentacle::discovery
