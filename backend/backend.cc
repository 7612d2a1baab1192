#include "backend/backend.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <csignal>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <prometheus/registry.h>

#include "backend/api/api.h"
#include "backend/store/database.h"
#include "backend/store/migrate.h"
#include "backend/store/sealed_secrets.h"
#include "libs/identity/key_file.h"
#include "libs/net/http_server.h"
#include "libs/runtime/admin_http.h"
#include "libs/runtime/build_info.h"
#include "libs/runtime/process_metrics.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

constexpr int kBlockingThreads =
    8;  // Each may hold one connection to PostgreSQL, whose default allows 100.
constexpr std::uint32_t kConnections = 8192;  // Thousands of tentacles keep one each.
constexpr auto kDatabaseCheck = std::chrono::seconds(5);

// A signature of Ed25519 is the same each time (RFC 8032 section 5.1.6), so links outlive a
// restart, and nothing that is signed for somebody else looks like this.
absl::StatusOr<std::string> LinkSecret(const std::string& key_path) {
  const auto key = identity::IdentityKey::Load(key_path);
  if (!key.ok()) return key.status();
  return identity::Sha256Hex(key->Sign("the secret of links to images, version 1"));
}

asio::awaitable<void> WatchDatabase(asio::thread_pool& blocking,
                                    Database& database,
                                    runtime::Health& health) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    auto ask = [&database] { return database.Text("SELECT 'here'").status(); };
    const absl::Status status = co_await async::OnPool(blocking, ask);
    health.Set("database", status.ok(), std::string(status.message()));
    timer.expires_after(kDatabaseCheck);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

// Each tentacle holds one, and a shell allows 1,024.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

asio::awaitable<absl::Status> UntilSignal(asio::signal_set& signals) {
  const auto [error, number] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  static_cast<void>(error);
  co_return absl::CancelledError(fmt::format("signal {}", number));
}

}  // namespace

absl::Status Serve(const Options& options, std::function<void(std::uint16_t port)> on_ready) {
  std::signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit();
  const runtime::Log log("backend", runtime::LogLevel::kInfo);
  Database database(options.database, kBlockingThreads);
  if (absl::Status status = Migrate(database); !status.ok()) return status;
  const auto command_key = identity::LoadOrMakeKey(options.command_key_file);
  if (!command_key.ok()) return command_key.status();
  const identity::Sealer sealer(*command_key, "secrets in the database");
  if (absl::Status status = SealWhatIsPlain(database, sealer); !status.ok()) return status;
  const auto link_secret = LinkSecret(options.command_key_file);
  if (!link_secret.ok()) return link_secret.status();

  asio::io_context io(1);
  const auto home = io.get_executor();
  asio::thread_pool blocking(kBlockingThreads);
  asio::thread_pool hashing(1);
  prometheus::Registry registry;
  Metrics metrics(registry);
  runtime::ProcessMetrics process(registry);
  runtime::Health health;

  // tentacles -> hub -> database -> page
  PresenceStore presence(database, fmt::format("octofleet-backend {}", identity::RandomHex(8)));
  NodeStore nodes(database, sealer);
  ImageStore images(database);
  TaskStore tasks(database, sealer);
  JobStore jobs(database, sealer);
  KeyStore keys(database);
  PrepullStore prepulls(database);
  SiteStore sites(database);
  ReportStore reports(database);
  if (absl::Status status = presence.Start(); !status.ok()) return status;
  LiveFeed live(home);
  Hub hub({home, blocking, log, metrics, nodes, tasks, reports, presence, sites, live,
           options.database});

  ShellStore shell_store(database);
  if (absl::Status status = shell_store.EndStale("nobody came to open it"); !status.ok())
    return status;
  ShellHub shells(
      {home, blocking, log, metrics, shell_store, hub, live, *command_key, options.shell_approval});
  WatchHub watches(home, hub);

  // people, automation and tentacles -> routes
  auto refresh = [&] {
    process.Refresh();
    metrics.DatabaseFailures(database.failures());
  };
  Api api({home,
           blocking,
           hashing,
           log,
           metrics,
           database,
           nodes,
           presence,
           images,
           tasks,
           jobs,
           keys,
           shell_store,
           shells,
           watches,
           prepulls,
           sites,
           hub,
           live,
           ImageFiles(options.image_dir),
           options.api_key,
           *command_key,
           options.origins,
           *link_secret,
           options.image_base_url,
           options.web_dir,
           runtime::MakeAdminHandler(registry, health, refresh)});
  net::HttpLimits limits;
  limits.connections = kConnections;
  limits.trusted_proxies = options.trusted_proxies;
  net::HttpObserver observer;
  observer.on_drop = [&metrics](std::string_view reason) { metrics.HttpDropped(reason); };
  net::HttpServer server(
      home, [&api](const net::HttpRequest& request) { return api.Handle(request); }, limits,
      observer);
  if (absl::Status status = server.Listen(options.listen); !status.ok()) return status;
  log.Info("backend.started", {{"version", runtime::Version()}, {"port", server.port()}});
  if (on_ready) on_ready(server.port());

  asio::signal_set signals(io, SIGTERM, SIGINT);
  absl::Status end = absl::InternalError("did not run");
  hub.Start();
  auto main = [&]() -> asio::awaitable<void> {
    auto resume = api.ResumeHashing();
    asio::co_spawn(home, std::move(resume), asio::detached);
    auto watch = WatchDatabase(blocking, database, health);
    asio::co_spawn(home, std::move(watch), asio::detached);
    const auto ended = co_await (server.Run() || UntilSignal(signals));
    end = std::visit([](const absl::Status& status) { return status; }, ended);
    co_await hub.Farewell();
    io.stop();
  };
  asio::co_spawn(home, main, asio::detached);
  io.run();
  server.Close();
  blocking.join();
  hashing.stop();
  hashing.join();
  log.Info("backend.stopped", {{"reason", std::string(end.message())}});
  return absl::IsCancelled(end) ? absl::OkStatus() : end;
}

}  // namespace tentacle::backend
