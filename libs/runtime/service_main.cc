#include "libs/runtime/service_main.h"

#include <fmt/format.h>
#include <grp.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/impl/service_type.h>

#include "libs/async/on_pool.h"
#include "libs/events/event_service.h"
#include "libs/net/http_server.h"
#include "libs/rpc/server.h"
#include "libs/runtime/admin_http.h"
#include "libs/runtime/build_info.h"
#include "libs/runtime/code_pages.h"
#include "libs/runtime/config_feed.h"
#include "libs/runtime/config_service.h"
#include "libs/runtime/process_metrics.h"
#include "libs/runtime/store_watch.h"

namespace tentacle::runtime {

namespace {

namespace asio = boost::asio;

// sysexits(3).
constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr int kExitBug = 70;
constexpr int kExitConfig = 78;

constexpr int kBlockingThreads = 2;
constexpr auto kStopGrace = std::chrono::seconds(2);
constexpr auto kStartIsOver = std::chrono::seconds(10);  // First connections, first look around.

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

config::Layers ReadLayers(const Paths& paths) {
  config::Layers layers;
  layers.yaml = ReadFile(paths.ConfigFile());
  layers.yaml_name = paths.ConfigFile();
  layers.environment = config::ProcessEnvironment();
  return layers;
}

// One process of one service: everything it holds, in the order in which it is needed.
class Process {
 public:
  Process(const ServiceSpec& spec, Paths paths)
      : spec_(spec),
        paths_(std::move(paths)),
        log_(spec.name, LogLevel::kInfo),
        rpc_(io_.get_executor(), PeerPolicy()),
        signals_(io_, SIGTERM, SIGINT),
        process_metrics_(registry_) {}

  int Run() {
    if (const int code = Open(); code != 0) return code;
    Host host{io_.get_executor(),
              *blocking_,
              clock_,
              log_,
              registry_,
              health_,
              rpc_,
              *feed_,
              *store_,
              *events_,
              paths_,
              &before_scrape_,
              &before_stop_};
    auto stop = StopOnSignal();
    asio::co_spawn(io_, std::move(stop), asio::detached);
    auto admin = RunAdmin();
    asio::co_spawn(io_, std::move(admin), asio::detached);
    auto watch = WatchConfigFile();
    asio::co_spawn(io_, std::move(watch), asio::detached);
    auto watch_store = store_watch_->Run(io_.get_executor(), &StartAnew);
    asio::co_spawn(io_, std::move(watch_store), asio::detached);
    auto run = RunService(host);
    asio::co_spawn(io_, std::move(run),
                   asio::bind_cancellation_slot(cancel_.slot(), asio::detached));
    io_.run();
    // Coroutines that still wait are not unwound: what is durable is durable by now, and what is
    // not must survive SIGKILL just the same.
    std::cout.flush();
    std::_Exit(exit_code_);
  }

 private:
  // Only root's group is everybody's; a shared group of ours lets the other services in.
  static rpc::PeerPolicy PeerPolicy() {
    rpc::PeerPolicy policy;
    if (::getegid() != 0) policy.group_ids.push_back(::getegid());
    return policy;
  }

  int Fail(int code, std::string_view what, const absl::Status& status) {
    log_.Error("service.start_failed", {{"what", what}, {"reason", std::string(status.message())}});
    return code;
  }

  // Damage on the disk is found, and moved aside, by the next start.
  [[noreturn]] static void StartAnew() {
    std::cout.flush();
    std::_Exit(kExitUnavailable);
  }

  // A folder that is there already is the operator's to set up; one of ours is for the group only.
  absl::Status MakeFolders() {
    std::error_code error;
    if (std::filesystem::create_directories(paths_.run_dir, error))
      ::chmod(paths_.run_dir.c_str(), 0750);
    if (error)
      return absl::UnavailableError(fmt::format("{}: {}", paths_.run_dir, error.message()));

    struct stat info {};

    if (::stat(paths_.run_dir.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0) {
      log_.Warning("service.sockets_unprotected", {{"path", paths_.run_dir}});
    }
    const std::string own = paths_.ServiceDir(spec_.name);
    std::filesystem::create_directories(own, error);
    return error ? absl::UnavailableError(fmt::format("{}: {}", own, error.message()))
                 : absl::OkStatus();
  }

  // Before the first thread: each has a fence of its own, that of who started it.
  void PutUpFence(const config::Layers& layers) {
    if (spec_.fence == nullptr) return;
    const auto config = config::Load(layers);
    if (!config.ok()) return;  // Told by who cannot go on without it.
    const absl::Status status = Enclose(spec_.fence(*config, paths_));
    if (!status.ok())
      log_.Warning("service.not_fenced", {{"reason", std::string(status.message())}});
  }

  int OpenStore() {
    auto opened = store::Store::Open(paths_.ServiceDir(spec_.name) + "/db");
    // A newer program's store: starting again helps nobody.
    if (absl::IsFailedPrecondition(opened.status()))
      return Fail(kExitConfig, "store", opened.status());
    if (!opened.ok()) return Fail(kExitUnavailable, "store", opened.status());
    store_ = *std::move(opened);
    if (store_->recovered()) {
      log_.Error("service.store_recovered",
                 {{"kept_in", store_->recovered_from()}, {"reason", store_->recovery_reason()}});
    }
    store_watch_ =
        std::make_unique<StoreWatch>(spec_.name, *store_, *blocking_, health_, log_, registry_);
    store_watch_->Look();
    return 0;
  }

  int Open() {
    if (const absl::Status made = MakeFolders(); !made.ok())
      return Fail(kExitUnavailable, "folder", made);
    config::Layers layers = ReadLayers(paths_);
    PutUpFence(layers);
    blocking_ = std::make_unique<asio::thread_pool>(kBlockingThreads);
    if (const int code = OpenStore(); code != 0) return code;
    std::string warning;
    auto feed = StoredConfigFeed::Open(std::move(layers), *store_, &warning);
    if (!feed.ok()) return Fail(kExitConfig, "configuration", feed.status());
    feed_ = *std::move(feed);
    if (!warning.empty()) log_.Warning("config.remote_ignored", {{"reason", warning}});
    log_.set_level(ParseLogLevel(feed_->current().log().level()));
    feed_->OnChange([this](const config::v1::TentacleConfig& config) {
      log_.set_level(ParseLogLevel(config.log().level()));
      log_.Info("config.applied", {{"revision", feed_->revision()}});
    });

    auto events = events::EventLog::Open(*store_, io_.get_executor(), *blocking_);
    if (!events.ok()) return Fail(kExitUnavailable, "event log", events.status());
    events_ = *std::move(events);
    event_service_ = events::MakeEventService(io_.get_executor(), *events_);
    config_service_ = MakeConfigService(io_.get_executor(), *feed_);
    rpc_.Register(*event_service_);
    rpc_.Register(*config_service_);
    service_metrics_ = std::make_unique<ServiceMetrics>(spec_.name, registry_, *events_, rpc_);
    health_.OnChange([this](bool ready) { rpc_.SetServing(ready); });
    return OpenAdmin();
  }

  int OpenAdmin() {
    auto refresh = [this] {
      process_metrics_.Refresh();
      service_metrics_->Refresh();
      store_watch_->Refresh();
      for (const auto& hook : before_scrape_)
        hook();
    };
    admin_ = std::make_unique<net::HttpServer>(io_.get_executor(),
                                               MakeAdminHandler(registry_, health_, refresh));
    const absl::Status status = admin_->Listen(spec_.admin_listen(feed_->current()));
    return status.ok() ? 0 : Fail(kExitUnavailable, "admin port", status);
  }

  asio::awaitable<void> RunAdmin() {
    const absl::Status status = co_await admin_->Run();
    if (!absl::IsCancelled(status))
      log_.Error("service.admin_failed", {{"reason", std::string(status.message())}});
  }

  // An enrollment, or an operator, has written config.yaml: it counts without a restart, as far as
  // the service's own parts can change while they run.
  asio::awaitable<void> WatchConfigFile() {
    asio::posix::stream_descriptor watch(io_, ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (::inotify_add_watch(watch.native_handle(), paths_.state_dir.c_str(),
                            IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
      log_.Warning("config.not_watched",
                   {{"path", paths_.state_dir}, {"reason", std::strerror(errno)}});
      co_return;
    }
    std::string before = ReadFile(paths_.ConfigFile());
    std::array<char, 4096> notices{};
    for (;;) {
      const auto [error, size] = co_await watch.async_read_some(
          asio::buffer(notices), asio::as_tuple(asio::use_awaitable));
      static_cast<void>(size);
      if (error) co_return;
      std::string now = ReadFile(paths_.ConfigFile());
      if (now == before) continue;
      before = now;
      const absl::Status status = feed_->Reload(std::move(now));
      if (!status.ok()) log_.Error("config.refused", {{"reason", std::string(status.message())}});
    }
  }

  // The service registers its gRPC services until its first await; then the socket opens.
  asio::awaitable<void> RunService(Host& host) {
    auto start = StartRpc();
    asio::co_spawn(io_, std::move(start), asio::detached);
    absl::Status status = absl::InternalError("did not run");
    try {
      status = co_await spec_.run(host);
    } catch (const std::exception& e) {  // A bug, reported as one.
      status = absl::InternalError(e.what());
    }
    finished_ = true;
    stopped_.cancel();
    if (stopping_) co_return;
    // What gRPC would call is gone with the coroutine: no orderly way down from here, the
    // supervisor starts anew.
    log_.Error("service.failed", {{"reason", std::string(status.message())}});
    std::cout.flush();
    std::_Exit(absl::IsInternal(status) ? kExitBug : kExitUnavailable);
  }

  asio::awaitable<void> StartRpc() {
    // co_spawn runs this at once when it is called on the home thread; the service has its turn
    // first.
    co_await asio::post(asio::use_awaitable);
    const absl::Status status = rpc_.Start(paths_.Socket(spec_.name));
    if (!status.ok()) {
      exit_code_ = Fail(kExitUnavailable, "rpc socket", status);
      stopping_ = true;
      co_await ShutDown();
      co_return;
    }
    rpc_.SetServing(health_.ready());
    log_.Info("service.started", {{"version", Version()},
                                  {"socket", paths_.Socket(spec_.name)},
                                  {"admin_port", admin_->port()}});
    asio::steady_timer over(io_, kStartIsOver);
    const auto [error] = co_await over.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!error) LetGoOfCode();
  }

  asio::awaitable<void> StopOnSignal() {
    const auto [error, number] = co_await signals_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    stopping_ = true;
    log_.Info("service.stopping", {{"signal", number}});
    co_await ShutDown();
  }

  // First nobody asks any more, then what was asked ends, then the service itself.
  asio::awaitable<void> ShutDown() {
    events_->Close();
    for (const auto& hook : before_stop_)
      hook();
    // Off the home thread: gRPC waits for handlers, and they run here. Not on the pool either,
    // whose threads may be busy for long.
    asio::thread_pool aside(1);
    auto shut = [this] {
      rpc_.Shutdown();
      return true;
    };
    co_await async::OnPool(aside, shut);
    cancel_.emit(asio::cancellation_type::terminal);
    stopped_.expires_after(kStopGrace);
    if (!finished_) {
      const auto [woken] = co_await stopped_.async_wait(asio::as_tuple(asio::use_awaitable));
      static_cast<void>(woken);
    }
    log_.Info("service.stopped", {{"in_order", finished_}});
    io_.stop();
  }

  const ServiceSpec& spec_;
  Paths paths_;
  asio::io_context io_{1};
  std::unique_ptr<asio::thread_pool> blocking_;
  RealClock clock_;
  Log log_;
  prometheus::Registry registry_;
  Health health_;
  rpc::Server rpc_;
  asio::signal_set signals_;
  asio::cancellation_signal cancel_;
  asio::steady_timer stopped_{io_};
  ProcessMetrics process_metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<StoreWatch> store_watch_;
  std::unique_ptr<StoredConfigFeed> feed_;
  std::unique_ptr<events::EventLog> events_;
  std::unique_ptr<grpc::Service> event_service_;
  std::unique_ptr<grpc::Service> config_service_;
  std::unique_ptr<ServiceMetrics> service_metrics_;
  std::unique_ptr<net::HttpServer> admin_;
  std::vector<std::function<void()>> before_scrape_;
  std::vector<std::function<void()>> before_stop_;
  int exit_code_ = 0;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace

int ServiceMain(const std::vector<std::string>& args, const ServiceSpec& spec) {
  Paths paths{"/var/lib/octofleet-tentacle", "/run/octofleet-tentacle"};
  CLI::App app{std::string(spec.about)};
  app.name(fmt::format("octofleet-tentacle {}", spec.name));
  app.add_option("--state-dir", paths.state_dir, "Folder of state")
      ->envname("TENTACLE_STATE_DIR")
      ->capture_default_str();
  app.add_option("--run-dir", paths.run_dir, "Folder of sockets")
      ->envname("TENTACLE_RUN_DIR")
      ->capture_default_str();
  try {  // CLI11 reports by exceptions.
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  ::signal(SIGPIPE, SIG_IGN);  // A peer that went away is an error of write(2), not of the process.
  return Process(spec, std::move(paths)).Run();
}

}  // namespace tentacle::runtime
