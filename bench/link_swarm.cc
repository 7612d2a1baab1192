// Thousands of tentacles in one process, for bench/link.sh: each has a key of its own, a WebSocket,
// uplink's own rules for coming back, and its heartbeats. What lies behind a tentacle (services,
// disk) is left out.
//
//   link_swarm BACKEND_URL API_KEY_FILE TENTACLES
//
// Enrolls them, connects them, and prints a line a second: SECONDS ONLINE ATTEMPTS FAILURES LOST.
// SIGUSR1 begins a new count (before the backend is restarted); SIGUSR2 prints "back P50 P95 MAX
// TENTACLES PEAK AGAIN REFUSED" of it, in seconds since the first one was lost: PEAK is the most
// connections of one second, AGAIN how many were lost once more, REFUSED how many attempts failed
// after the first one had succeeded. SIGTERM ends it.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <absl/time/clock.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "libs/backend_link/messages.h"
#include "libs/identity/identity.h"
#include "libs/net/http_client.h"
#include "libs/net/retry_after.h"
#include "libs/net/websocket.h"
#include "services/uplink/core/link_state.h"
#include "services/uplink/limits.h"

namespace tentacle::bench {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// As the configuration's defaults.
constexpr retry::BackoffPolicy kBackoff{absl::Seconds(1), absl::Seconds(60)};
constexpr int kEnrollers = 8;

struct Tentacle {
  identity::IdentityKey key;
  std::string id;
  bool was_lost = false;  // In this count.
  bool is_back = false;
};

struct Count {
  std::size_t attempts = 0;
  std::size_t failures = 0;
  std::size_t lost = 0;
  std::size_t again = 0;
  std::size_t refused = 0;
  absl::Time first_lost = absl::InfiniteFuture();
  std::vector<double> back;
  std::map<std::int64_t, std::size_t> per_second;
};

class Swarm {
 public:
  Swarm(std::string url, std::string key) : url_(std::move(url)), api_key_(std::move(key)) {}

  // Blocking.
  absl::Status Enroll(std::size_t count) {
    const auto token = Post("/api/v1/enrollment-tokens", {{"maxUses", 10000}});
    if (!token.ok()) return token.status();
    const std::string text(token->at("token").as_string());
    tentacles_.resize(count);
    asio::thread_pool pool(kEnrollers);
    std::atomic<std::size_t> failed = 0;
    for (std::size_t i = 0; i < count; ++i) {
      asio::post(pool, [this, i, &text, &failed] {
        auto one = std::make_shared<Tentacle>(Tentacle{*identity::IdentityKey::Generate(), ""});
        const auto answer =
            Post("/api/v1/tentacles/enroll", {{"token", text},
                                              {"name", fmt::format("swarm-{}", i)},
                                              {"hostname", fmt::format("swarm-{}", i)},
                                              {"publicKey", one->key.PublicKeyBase64()}});
        if (answer.ok()) one->id = std::string(answer->at("nodeId").as_string());
        failed += answer.ok() ? 0 : 1;
        tentacles_[i] = one;
      });
    }
    pool.join();
    return failed == 0 ? absl::OkStatus()
                       : absl::InternalError(fmt::format("{} not enrolled", failed.load()));
  }

  void Run() {
    // They come back from an outage of the line one after the other, not in one instant.
    std::uniform_real_distribution<double> start(0, static_cast<double>(tentacles_.size()) / 250);
    for (const auto& tentacle : tentacles_)
      Spawn(Live(tentacle, absl::Seconds(start(random_))));
    Spawn(Tell());
    Spawn(Hear());
    io_.run();
  }

 private:
  struct Ended {
    absl::Status reason;
    std::optional<absl::Duration> slot;
  };

  void Spawn(asio::awaitable<void> work) { asio::co_spawn(io_, std::move(work), asio::detached); }

  absl::StatusOr<json::object> Post(const std::string& path, const json::object& body) {
    net::ClientRequest request;
    request.method = "POST";
    request.url = url_ + path;
    request.headers = {{"X-API-Key", api_key_}, {"Content-Type", "application/json"}};
    request.body = json::serialize(body);
    const auto reply = net::Fetch(request);
    if (!reply.ok()) return reply.status();
    boost::system::error_code error;
    json::value value = json::parse(reply->body, error);
    if (reply->status != 201 || error) return absl::InternalError(reply->body);
    return value.as_object();
  }

  asio::awaitable<void> Pause(absl::Duration time) {
    asio::steady_timer timer(io_, absl::ToChronoNanoseconds(time));
    co_await timer.async_wait(kTuple);
  }

  // What WebSocketLink does, over the same table.
  asio::awaitable<void> Live(std::shared_ptr<Tentacle> tentacle, absl::Duration start) {
    co_await Pause(start);
    uplink::LinkMachine machine(kBackoff, uplink::limits::kStableAfter);
    std::uniform_real_distribution<double> spread(0.0, 1.0);
    uplink::LinkEvent event = uplink::LinkEvent::kIdentityFound;
    std::optional<absl::Duration> asked;
    std::shared_ptr<net::WebSocket> socket;
    const std::string instance = fmt::format("swarm.{}", identity::RandomHex(8));
    for (;;) {
      const auto step = machine.On(event, "", absl::Now(), spread(random_), asked);
      asked.reset();
      if (step.act == uplink::LinkAct::kConnect) {
        ++count_.attempts;
        net::HeaderList headers = {
            {"Authorization",
             "Bearer " + identity::MakeToken(tentacle->key, tentacle->id, absl::Now())},
            {"X-Octofleet-Instance", instance}};
        const net::TlsOptions tls;
        const net::WebSocketLimits limits;
        auto connect = net::WebSocket::Connect(io_.get_executor(), url_ + "/api/v1/tentacles/ws",
                                               std::move(headers), tls, limits);
        auto connected = co_await std::move(connect);
        event = connected.ok() ? uplink::LinkEvent::kConnected : uplink::LinkEvent::kConnectFailed;
        if (connected.ok()) {
          socket = *std::move(connected);
        } else {
          ++count_.failures;
          if (!count_.back.empty()) ++count_.refused;
          asked = net::RetryAfter(connected.status());
        }
      } else if (step.act == uplink::LinkAct::kServe) {
        const Ended ended = co_await Serve(tentacle, socket);
        socket.reset();
        asked = ended.slot;
        event = uplink::LinkEvent::kLost;
      } else {
        co_await Pause(step.delay);
        event = uplink::LinkEvent::kIdentityFound;
      }
    }
  }

  asio::awaitable<Ended> Serve(std::shared_ptr<Tentacle> tentacle,
                               std::shared_ptr<net::WebSocket> socket) {
    Spawn(Beat(socket, tentacle->id));
    Ended ended;
    bool online = false;
    for (;;) {
      auto text = co_await socket->Read();
      if (!text.ok()) {
        ended.reason = text.status();
        break;
      }
      const auto message = backend_link::Parse(*text);
      if (!message.ok()) continue;
      if (message->type == "goodbye") {
        ended.slot =
            absl::Milliseconds(message->body.at("reconnectAfterMs").to_number<std::int64_t>());
      }
      if (message->type == "tasks.sync" && !std::exchange(online, true)) OnOnline(*tentacle);
      if (message->type != "ack" && message->id) {
        co_await socket->Write(backend_link::Serialize(backend_link::Ack(*message->id)));
      }
    }
    socket->Close();
    if (online) OnLost(*tentacle);
    co_return ended;
  }

  // `status` at once and every minute, `link` and the agent's metrics between.
  asio::awaitable<void> Beat(std::weak_ptr<net::WebSocket> weak, std::string id) {
    for (std::uint64_t number = 0;; ++number) {
      const std::string time =
          absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
      std::vector<std::string> texts = {
          R"({"type":"status","online":true,"tasks":[],"version":"bench"})"};
      if (number > 0) {
        texts.push_back(R"({"type":"link","latencyMs":1.5,"jitterMs":0.2,"lossPercent":0})");
        texts.push_back(fmt::format(
            R"({{"type":"metrics","id":"agent/{}-{}/{}","time":"{}","cpuPercent":12.5,"memoryPercent":40,"load1":0.3}})",
            id, absl::ToUnixSeconds(absl::Now()), number, time));
      }
      for (std::string& text : texts) {
        const auto socket = weak.lock();
        if (!socket) co_return;
        const absl::Status status = co_await socket->Write(std::move(text));
        if (!status.ok()) co_return;
      }
      co_await Pause(uplink::limits::kStatusInterval);
    }
  }

  void OnOnline(Tentacle& tentacle) {
    ++online_;
    if (!tentacle.was_lost || tentacle.is_back) return;
    tentacle.is_back = true;
    const absl::Duration since = absl::Now() - count_.first_lost;
    count_.back.push_back(absl::ToDoubleSeconds(since));
    ++count_.per_second[absl::ToInt64Seconds(since)];
  }

  void OnLost(Tentacle& tentacle) {
    --online_;
    ++count_.lost;
    count_.first_lost = std::min(count_.first_lost, absl::Now());
    if (std::exchange(tentacle.was_lost, true) && tentacle.is_back) ++count_.again;
  }

  asio::awaitable<void> Tell() {
    for (int second = 0;; ++second) {
      std::cout << fmt::format("{} {} {} {} {}\n", second, online_, count_.attempts,
                               count_.failures, count_.lost)
                << std::flush;
      co_await Pause(absl::Seconds(1));
    }
  }

  asio::awaitable<void> Hear() {
    asio::signal_set signals(io_, SIGUSR1, SIGUSR2, SIGTERM);
    for (;;) {
      const auto [error, number] = co_await signals.async_wait(kTuple);
      if (number == SIGTERM) std::_Exit(0);
      if (number == SIGUSR2) {
        Print();
        continue;
      }
      count_ = Count();
      for (const auto& tentacle : tentacles_)
        tentacle->was_lost = tentacle->is_back = false;
    }
  }

  void Print() {
    std::vector<double> sorted = count_.back;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&sorted](double part) {
      if (sorted.empty()) return 0.0;
      return sorted[std::min(sorted.size() - 1,
                             static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
    };
    std::size_t peak = 0;
    for (const auto& [second, connects] : count_.per_second)
      peak = std::max(peak, connects);
    std::cout << fmt::format("back {:.2f} {:.2f} {:.2f} {} {} {} {}\n", at(0.5), at(0.95), at(1),
                             sorted.size(), peak, count_.again, count_.refused)
              << std::flush;
  }

  std::string url_;
  std::string api_key_;
  asio::io_context io_{1};
  std::mt19937_64 random_{std::random_device{}()};
  std::vector<std::shared_ptr<Tentacle>> tentacles_;
  std::size_t online_ = 0;
  Count count_;
};

int Main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "link_swarm BACKEND_URL API_KEY_FILE TENTACLES\n";
    return 64;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::string key;
  std::ifstream(argv[2]) >> key;
  Swarm swarm(argv[1], key);
  const absl::Status enrolled = swarm.Enroll(std::strtoull(argv[3], nullptr, 10));
  if (!enrolled.ok()) {
    std::cerr << "link_swarm: " << enrolled << "\n";
    return 1;
  }
  std::cout << "enrolled" << std::endl;
  swarm.Run();
  return 0;
}

}  // namespace
}  // namespace tentacle::bench

int main(int argc, char** argv) {
  return tentacle::bench::Main(argc, argv);
}
