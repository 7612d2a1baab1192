#include "tests/unit/cache/cache_bench.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/asio/detached.hpp>
#include <boost/json/parse.hpp>

#include "libs/identity/identity.h"
#include "services/cache/core/image_name.h"

namespace tentacle::cache::testing {

namespace fs = std::filesystem;

std::string Answer::Header(const std::string& name) const {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

Client::Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{30, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
}

void Client::Send(const std::string& id, const std::string& headers, const std::string& method) {
  const std::string request = fmt::format(
      "{} /images/{} HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n{}\r\n", method, id, headers);
  EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
}

void Client::SendPath(const std::string& path, const std::string& headers) {
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n{}\r\n", path, headers);
  EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
}

Answer Client::Head() {
  Answer answer;
  char piece[4096];
  auto end = std::string::npos;
  while ((end = read_ahead_.find("\r\n\r\n")) == std::string::npos) {
    const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got <= 0) return answer;
    read_ahead_.append(piece, static_cast<std::size_t>(got));
  }
  answer.head = read_ahead_.substr(0, end + 2);
  read_ahead_.erase(0, end + 4);
  answer.status =
      static_cast<unsigned>(std::stoul(answer.head.substr(answer.head.find(' ') + 1, 3)));
  if (const std::string stated = answer.Header("Content-Length"); !stated.empty())
    answer.stated = std::stoull(stated);
  return answer;
}

std::string Client::Read(std::size_t bytes) {
  std::string body = std::exchange(read_ahead_, "");
  std::vector<char> piece(256 * 1024);
  while (body.size() < bytes) {
    const ssize_t got = ::recv(fd_, piece.data(), std::min(piece.size(), bytes - body.size()), 0);
    EXPECT_GE(got, got == 0 ? 0 : -1);
    if (got <= 0) break;
    body.append(piece.data(), static_cast<std::size_t>(got));
  }
  return body;
}

Answer Client::All(const std::string& method) {
  Answer answer = Head();
  if (method != "HEAD") answer.body = Read(answer.stated);
  return answer;
}

void Client::Close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

CacheBench::CacheBench(FakeOrigin& origin) : own_folder_(true) {
  std::string name = (fs::temp_directory_path() / "cache-test-XXXXXX").string();
  state_dir_ = ::mkdtemp(name.data());
  Configure(origin.url());
  Start();
}

CacheBench::CacheBench(const std::string& backend_url, std::string state_dir)
    : state_dir_(std::move(state_dir)) {
  Configure(backend_url);
}

void CacheBench::Configure(const std::string& backend_url) {
  // As every service does at its start: sendfile(2) to a client that went away is an error, not the
  // end.
  std::signal(SIGPIPE, SIG_IGN);
  const std::string key_file = runtime::Paths{state_dir_, state_dir_}.KeyFile();
  if (!fs::exists(key_file)) {
    const auto key = identity::IdentityKey::Generate();
    EXPECT_TRUE(key.ok() && key->Save(key_file).ok());
  }
  config.config.mutable_backend()->set_url(backend_url);
  config.config.mutable_node()->set_id("node-1");
  config.config.mutable_uplink()->set_mode("full");
  config.config.mutable_cache()->set_enabled(true);
  config.config.mutable_cache()->set_max_bytes(1ull << 30);
  config.config.mutable_cache()->set_min_free_bytes(0);
  config.config.mutable_cache()->set_peers_enabled(true);
}

CacheBench::~CacheBench() {
  if (library_) Stop();
  std::error_code ignored;
  if (own_folder_) fs::remove_all(state_dir_, ignored);
}

void CacheBench::Start() {
  io_ = std::make_unique<asio::io_context>(1);
  blocking_ = std::make_unique<asio::thread_pool>(2);
  registry_ = std::make_unique<prometheus::Registry>();
  health_ = std::make_unique<runtime::Health>();
  events = std::make_unique<KeptEvents>();
  rpc_ = std::make_unique<rpc::Server>(io_->get_executor(), rpc::PeerPolicy{});
  auto store = store::Store::Open(state_dir_ + "/db");
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
  host_.reset(new runtime::Host{io_->get_executor(), *blocking_, clock,
                                runtime::Log("cache", runtime::LogLevel::kError), *registry_,
                                *health_, *rpc_, config, *store_, *events,
                                runtime::Paths{state_dir_, state_dir_}});
  metrics_ = std::make_unique<Metrics>(*registry_);
  // As quick as can be: what is tested is that there is another try, not when.
  const retry::BackoffPolicy quick{absl::Milliseconds(1), absl::Milliseconds(2)};
  library_ = std::make_unique<ImageLibrary>(*host_, *metrics_, quick);
  scrubber_ = std::make_unique<Scrubber>(*host_, *library_, *metrics_);
  routes_ = std::make_unique<ImageHttp>(*library_, *metrics_);
  planning_ = std::make_unique<Planning>(*host_, *metrics_, *library_, *routes_, true);
  net::HttpObserver observer;
  observer.on_drop = [this](std::string_view reason) { metrics_->HttpDropped(reason); };
  auto handler = [this](const net::HttpRequest& request) { return planning_->Handle(request); };
  http_ =
      std::make_unique<net::HttpServer>(io_->get_executor(), handler, net::HttpLimits{}, observer);
  ASSERT_TRUE(planning_->Open().ok());
  ASSERT_TRUE(library_->Open().ok());
  planning_->Start();
  ASSERT_TRUE(http_->Listen("127.0.0.1:0").ok());
  auto run = http_->Run();
  asio::co_spawn(*io_, std::move(run), [](std::exception_ptr, absl::Status) {});
  auto scrub = scrubber_->Run();
  asio::co_spawn(*io_, std::move(scrub), asio::detached);
  home_ = std::thread([io = io_.get()] {
    const auto work = asio::make_work_guard(*io);
    io->run();
  });
}

void CacheBench::Stop() {
  OnHome([this] { library_->Stop(); });
  scrubber_->Stop();
  asio::post(*io_, [this] {
    http_->Close();
    io_->stop();
  });
  home_.join();
  // The threads end before what they post to goes; coroutines that wait go with the loop.
  scrubber_.reset();
  library_.reset();
  blocking_->join();
  planning_.reset();
  http_.reset();
  rpc_.reset();
  io_.reset();
  routes_.reset();
  host_.reset();
  store_.reset();
}

absl::Status CacheBench::Pull(const std::string& id) {
  return Do([](ImageLibrary& library, std::string wanted) -> asio::awaitable<absl::Status> {
    const auto entry = co_await library.Demand(std::move(wanted), PullClass::kTask);
    co_return entry.status();
  }(*library_, id));
}

v1::Image CacheBench::Image(const std::string& id) {
  return OnHome([this, id] {
    const auto at = library_->entries().find(id);
    return at == library_->entries().end() ? v1::Image() : at->second->image;
  });
}

v1::Image CacheBench::Await(const std::string& id, std::function<bool(const v1::Image&)> reached) {
  return Do([](ImageLibrary& library, std::string wanted,
               std::function<bool(const v1::Image&)> enough) -> asio::awaitable<v1::Image> {
    const std::shared_ptr<Entry> entry = library.entries().at(wanted);
    const auto since = std::chrono::steady_clock::now();
    while (!enough(entry->image)) {
      const bool alive = co_await Changed(entry, since);
      if (!alive) {
        ADD_FAILURE() << "nothing happens to " << wanted;
        break;
      }
    }
    co_return entry->image;
  }(*library_, id, std::move(reached)));
}

v1::Image CacheBench::AwaitState(const std::string& id, ImageState state) {
  return Await(id, [state](const v1::Image& image) { return image.state() == state; });
}

v1::Image CacheBench::AwaitPresent(const std::string& id, std::uint64_t bytes) {
  return Await(id, [bytes](const v1::Image& image) { return image.present_bytes() >= bytes; });
}

v1::Image CacheBench::AwaitRest(const std::string& id) {
  const std::shared_ptr<Entry> entry = OnHome([this, id] { return library_->entries().at(id); });
  return Await(id, [entry](const v1::Image&) { return !entry->pull_runs; });
}

void CacheBench::ExpectCached(const std::string& id, const std::string& bytes) {
  EXPECT_EQ(AwaitRest(id).state(), v1::IMAGE_STATE_CACHED) << Image(id).reason();
  EXPECT_TRUE(ReadFile(FinalPath(id)) == bytes);
  EXPECT_FALSE(fs::exists(PartPath(id)));
}

Answer CacheBench::Get(const std::string& id,
                       const std::string& headers,
                       const std::string& method) {
  Client client(port());
  client.Send(id, headers, method);
  return client.All(method);
}

absl::StatusOr<std::uint64_t> CacheBench::Evict(const std::string& id) {
  return OnHome([this, id] { return library_->Evict(id); });
}

void CacheBench::Verify(const std::string& id) {
  OnHome([&] {
    clock.now += absl::Seconds(1);
    EXPECT_TRUE(scrubber_->Request(id).ok());
  });
  const auto now = absl::ToUnixSeconds(OnHome([&] { return clock.now; }));
  Await(id, [now](const v1::Image& image) {
    return image.state() == v1::IMAGE_STATE_CACHED && image.verified_at().seconds() >= now;
  });
}

void CacheBench::SetNode(const std::string& id) {
  OnHome([&] {
    config.config.mutable_node()->set_id(id);
    planning_->neighbours->SetOwn({id, runtime::Paths{state_dir_, state_dir_}.KeyFile()});
  });
}

identity::IdentityKey CacheBench::key() const {
  return *identity::IdentityKey::Load(runtime::Paths{state_dir_, state_dir_}.KeyFile());
}

void CacheBench::SetPeers(const v1::ReplacePeersRequest& table) {
  OnHome([&] { planning_->ReplacePeers(table); });
  planning_->neighbours->Greet();
}

void CacheBench::GreetAgain() {
  OnHome([&] { clock.now += kMaxPeerPause; });
  planning_->neighbours->Greet();
}

int CacheBench::UsablePeers() {
  const auto views = PeerViews();
  return static_cast<int>(std::count_if(views.begin(), views.end(),
                                        [](const v1::PeerView& view) { return view.usable(); }));
}

void CacheBench::Reconfigure(std::function<void(config::v1::TentacleConfig&)> change) {
  OnHome([&] {
    change(config.config);
    library_->Configure();
    planning_->Configure();
  });
}

void CacheBench::AwaitTrue(const std::function<bool()>& is_so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "it is never so";
      return;
    }
    OnHome([] { std::this_thread::yield(); });
  }
}

std::string CacheBench::Told(const std::string& type,
                             const std::string& key,
                             const std::string& value,
                             const std::string& field) {
  return OnHome([&] {
    std::string told;
    for (const auto& event : events->all) {
      if (event.type() != type) continue;
      const boost::json::value body = boost::json::parse(event.body_json());
      if (body.at(key).as_string() != value) continue;
      told += (told.empty() ? "" : " ") + std::string(body.at(field).as_string());
    }
    return told;
  });
}

std::string CacheBench::FinalPath(const std::string& id) const {
  return folder() + "/" + FileNameOf(id);
}

std::string CacheBench::PartPath(const std::string& id) const {
  return FinalPath(id) + ".part";
}

double CacheBench::Counter(const std::string& name, const std::string& label) {
  return OnHome([this, name, label] { return Collected(name, label); });
}

double CacheBench::Collected(const std::string& name, const std::string& label) const {
  for (const auto& family : registry_->Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      const bool is_it = !metric.label.empty() && metric.label.front().value == label;
      if (label.empty() || is_it) return metric.counter.value + metric.gauge.value;
    }
  }
  return 0;
}

void FlipBit(const std::string& path, std::uint64_t bit) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  char byte = 0;
  ASSERT_EQ(::pread(fd, &byte, 1, static_cast<off_t>(bit / 8)), 1);
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  ASSERT_EQ(::pwrite(fd, &byte, 1, static_cast<off_t>(bit / 8)), 1);
  ::close(fd);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace tentacle::cache::testing
