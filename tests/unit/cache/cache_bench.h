// A cache like the wiring file's, on a port and in a folder of its own, that can be stopped and
// started again in the middle of everything; and clients for it that see each byte and the end of a
// line.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "libs/identity/identity.h"
#include "libs/net/http_server.h"
#include "libs/rpc/server.h"
#include "libs/runtime/host.h"
#include "services/cache/image_http.h"
#include "services/cache/image_library.h"
#include "services/cache/limits.h"
#include "services/cache/metrics.h"
#include "services/cache/planning.h"
#include "services/cache/scrubber.h"
#include "tests/support/kept_events.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {

namespace asio = boost::asio;

// Stands still until it is moved. Home thread, or while the cache is stopped.
class StandingClock final : public runtime::Clock {
 public:
  absl::Time Now() const override { return now; }

  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
};

class BenchConfig final : public runtime::ConfigFeed {
 public:
  const config::v1::TentacleConfig& current() const override { return config; }

  std::uint64_t revision() const override { return 1; }

  absl::Status Check(const std::string&) const override { return absl::OkStatus(); }

  void OnChange(std::function<void(const config::v1::TentacleConfig&)>) override {}

  config::v1::TentacleConfig config;
};

using KeptEvents = ::tentacle::testing::KeptEvents;

struct Answer {
  unsigned status = 0;  // 0: the line ended before a head.
  std::string head;
  std::string body;
  std::uint64_t stated = 0;  // Content-Length.

  bool whole() const { return body.size() == stated; }

  std::string Header(const std::string& name) const;
};

// One connection, blocking. Half a minute without a byte is a failure of the test.
class Client {
 public:
  explicit Client(std::uint16_t port);

  ~Client() { Close(); }

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Send(const std::string& id,
            const std::string& headers = "",
            const std::string& method = "GET");
  void SendPath(const std::string& path, const std::string& headers = "");
  Answer Head();                        // Reads up to the blank line.
  std::string Read(std::size_t bytes);  // So many, or less when the line ends.
  Answer All(const std::string& method = "GET");
  void Close();

 private:
  int fd_ = -1;
  std::string read_ahead_;
};

class CacheBench {
 public:
  explicit CacheBench(FakeOrigin& origin);
  // In a folder that outlives it.
  CacheBench(const std::string& backend_url, std::string state_dir);
  ~CacheBench();
  CacheBench(const CacheBench&) = delete;
  CacheBench& operator=(const CacheBench&) = delete;

  // As SIGTERM does it: pulls are broken off, not waited for. What is on the disk stays.
  void Stop();
  // As SIGKILL does it: nothing more is written into the index than there is by now.
  void Start();

  // Runs `work` on the home thread and returns what it returns.
  template <class Work>
  auto OnHome(Work work) {
    std::packaged_task<std::invoke_result_t<Work&>()> task(std::move(work));
    auto result = task.get_future();
    asio::post(io_->get_executor(), [&task] { task(); });
    return result.get();
  }

  // Runs a coroutine on the home thread to its end.
  template <class Value>
  Value Do(asio::awaitable<Value> work) {
    std::promise<Value> promise;
    asio::co_spawn(io_->get_executor(), std::move(work),
                   [&promise](std::exception_ptr error, Value value) {
                     if (error) return promise.set_exception(error);
                     promise.set_value(std::move(value));
                   });
    return promise.get_future().get();
  }

  // The demand of a task. What is answered is how it stands right after.
  absl::Status Pull(const std::string& id);

  absl::Status CancelPull(const std::string& id) {
    return OnHome([this, id] { return library_->CancelPull(id).status(); });
  }

  v1::Image Image(const std::string& id);
  // Waits for the image's own word of a change until `reached` says so.
  v1::Image Await(const std::string& id, std::function<bool(const v1::Image&)> reached);
  v1::Image AwaitState(const std::string& id, ImageState state);
  v1::Image AwaitPresent(const std::string& id, std::uint64_t bytes);

  // So many bytes have come from a backend that holds: those who wait are told in steps of
  // kNotifyBytes.
  v1::Image AwaitTold(const std::string& id, std::uint64_t bytes) {
    return AwaitPresent(id, bytes - 2 * limits::kNotifyBytes);
  }

  // No pull of it runs any more.
  v1::Image AwaitRest(const std::string& id);
  Answer Get(const std::string& id,
             const std::string& headers = "",
             const std::string& method = "GET");
  absl::StatusOr<std::uint64_t> Evict(const std::string& id);
  // Has the image compared with its hashes and waits until it is cached and compared.
  void Verify(const std::string& id);

  // Another node than node-1.
  void SetNode(const std::string& id);
  identity::IdentityKey key() const;

  std::string public_key() const { return key().PublicKeyBase64(); }

  // As uplink says it; all of them have been greeted afterwards.
  void SetPeers(const v1::ReplacePeersRequest& table);
  // Also those that did not answer: their pause is over.
  void GreetAgain();

  std::vector<v1::PeerView> PeerViews() { return planning_->neighbours->Views(); }

  int UsablePeers();

  v1::Ledger Ledger() {
    return OnHome([this] { return planning_->line.ledger(); });
  }

  void Reconfigure(std::function<void(config::v1::TentacleConfig&)> change);

  Planning& planning() { return *planning_; }

  bool PullRuns(const std::string& id) {
    return OnHome([this, id] { return library_->entries().at(id)->pull_runs; });
  }

  // No pull of it runs any more, and it is here under its one name.
  void ExpectCached(const std::string& id, const std::string& bytes);

  void Later(absl::Duration time) {
    OnHome([this, time] { clock.now += time; });
  }

  // Looks again after each turn of the home thread, for 20 s.
  void AwaitTrue(const std::function<bool()>& is_so);
  // A field of the events of a type whose `key` is `value`, in their order.
  std::string Told(const std::string& type,
                   const std::string& key,
                   const std::string& value,
                   const std::string& field);

  std::string PartPath(const std::string& id) const;
  std::string FinalPath(const std::string& id) const;

  std::string folder() const { return state_dir_ + "/cache/images"; }

  std::uint16_t port() const { return http_->port(); }

  // Value of a counter, or 0 while it was never counted.
  double Counter(const std::string& name, const std::string& label = "");

  // The same on the home thread.
  double Collected(const std::string& name, const std::string& label = "") const;

  ImageLibrary& library() { return *library_; }

  ImageHttp& routes() { return *routes_; }

  Scrubber& scrubber() { return *scrubber_; }

  // Of the index.
  std::string database() const { return state_dir_ + "/db"; }

  BenchConfig config;
  StandingClock clock;
  std::unique_ptr<KeptEvents> events;

 private:
  void Configure(const std::string& backend_url);

  std::string state_dir_;
  bool own_folder_ = false;
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<asio::thread_pool> blocking_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<runtime::Health> health_;
  std::unique_ptr<rpc::Server> rpc_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<runtime::Host> host_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<ImageLibrary> library_;
  std::unique_ptr<Scrubber> scrubber_;
  std::unique_ptr<ImageHttp> routes_;
  std::unique_ptr<Planning> planning_;
  std::unique_ptr<net::HttpServer> http_;
  std::thread home_;
};

std::string ReadFile(const std::string& path);
// One bit, as a disk or a careless hand does it.
void FlipBit(const std::string& path, std::uint64_t bit);

}  // namespace tentacle::cache::testing
