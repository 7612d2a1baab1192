#include "tests/backend/hub_bench.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include <absl/time/clock.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "libs/net/retry_after.h"

namespace tentacle::backend {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A test that waits so long has failed; what is awaited comes within milliseconds.
constexpr absl::Duration kPatience = absl::Seconds(20);

}  // namespace

Bench& Bench::Get() {
  static Bench bench;
  return bench;
}

Bench::Bench() : key_(identity::RandomHex(16)) {
  std::filesystem::create_directories(dir_ / "images");
  std::filesystem::create_directories(dir_ / "web/assets");
  std::ofstream(dir_ / "web/index.html") << "the page";
  std::ofstream(dir_ / "web/assets/app-1.js") << "the script";
  std::ofstream(dir_ / "key") << key_ << "\n";
  backend_ = std::make_unique<BackendProcess>(dir_.path());
  database_ = Connect();
}

net::ClientReply Bench::Fetch(const std::string& method,
                              const std::string& path,
                              net::HeaderList headers,
                              const std::string& body) {
  net::ClientRequest request;
  request.method = method;
  request.url = base() + path;
  request.headers = std::move(headers);
  request.body = body;
  auto reply = net::Fetch(request);
  EXPECT_TRUE(reply.ok()) << method << " " << path << ": " << reply.status();
  return reply.ok() ? *std::move(reply) : net::ClientReply();
}

net::ClientReply Bench::Call(const std::string& method,
                             const std::string& path,
                             const json::value& body) {
  return Fetch(method, path, {{"X-API-Key", key_}}, body.is_null() ? "" : json::serialize(body));
}

json::value Bench::Json(const std::string& method,
                        const std::string& path,
                        const json::value& body) {
  const net::ClientReply reply = Call(method, path, body);
  EXPECT_LT(reply.status, 300U) << method << " " << path << ": " << reply.body;
  boost::system::error_code error;
  return json::parse(reply.body, error);
}

json::value Bench::Field(const std::string& path, const std::string& pointer) {
  const json::value all = Json("GET", path);
  boost::system::error_code error;
  const json::value* at = all.find_pointer(pointer, error);
  return at == nullptr ? json::value() : *at;
}

std::string Bench::MakeKey(const std::string& name, const std::string& role) {
  const json::value made = Json("POST", "/api/v1/api-keys", {{"name", name}, {"role", role}});
  return std::string(made.at("key").as_string());
}

std::unique_ptr<pqxx::connection> Bench::Connect() const {
  return std::make_unique<pqxx::connection>(TestSetting("OCTOFLEET_TEST_DATABASE"));
}

std::string Bench::Sql(const std::string& statement) {
  pqxx::work tx(*database_);
  const pqxx::result rows = tx.exec(statement);
  tx.commit();
  return rows.empty() || rows[0][0].is_null() ? "" : rows[0][0].as<std::string>();
}

bool Bench::Until(const std::function<bool()>& is_so) {
  const absl::Time end = absl::Now() + kPatience;
  while (absl::Now() < end) {
    if (is_so()) return true;
    std::this_thread::yield();
  }
  return false;
}

std::string Bench::MakeImage(const std::string& name, const std::string& bytes) {
  const std::string file = dir_ / "images/" + name;
  std::ofstream(file) << bytes;
  // Not a moment ago: the backend would wait for more to come.
  std::filesystem::last_write_time(
      file, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  const json::value image =
      Json("POST", "/api/v1/provisioning/images", {{"name", name}, {"path", name}});
  const std::string id(image.at("id").as_string());
  EXPECT_TRUE(
      Until([&] { return Field("/api/v1/provisioning/images/" + id, "/state") == "ready"; }));
  return id;
}

json::value Bench::MakeTask(int tentacle, const std::string& mac, int standby) {
  static const std::string image = MakeImage("task-image", "for tasks");
  json::object order{{"mac", mac},
                     {"hostname", "vm"},
                     {"imageId", image},
                     {"osType", "linux-image"},
                     {"platform", "kvm-libvirt"},
                     {"tentacleId", std::to_string(tentacle)},
                     {"network", {{"dhcp", true}}}};
  if (standby != 0) order["standbyTentacleId"] = std::to_string(standby);
  return Json("POST", "/api/v1/provisioning/tasks", order);
}

FakeTentacle::FakeTentacle(const json::value& network) : key_(*identity::IdentityKey::Generate()) {
  Bench& bench = Bench::Get();
  const json::value token = bench.Json("POST", "/api/v1/enrollment-tokens", json::object{});
  const json::value answer = bench.Json("POST", "/api/v1/tentacles/enroll",
                                        {{"token", token.at("token")},
                                         {"name", "Berlin"},
                                         {"hostname", "berlin"},
                                         {"publicKey", key_.PublicKeyBase64()},
                                         {"network", network}});
  id_ = std::atoi(answer.at("nodeId").as_string().c_str());
}

FakeTentacle::~FakeTentacle() {
  Close();
}

std::string FakeTentacle::Token() const {
  return identity::MakeToken(key_, std::to_string(id_), absl::Now());
}

bool FakeTentacle::RunUntil(const std::function<bool()>& is_so) {
  const absl::Time end = absl::Now() + kPatience;
  while (!is_so() && absl::Now() < end) {
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(100));
  }
  return is_so();
}

absl::Status FakeTentacle::Connect(const std::string& token) {
  absl::Status status = TryToConnect(token);
  // The tests before may have used up what may connect in a second; what it costs is milliseconds.
  while (net::RetryAfter(status))
    status = TryToConnect(token);
  return status;
}

absl::Status FakeTentacle::TryToConnect(const std::string& token) {
  Close();
  received_.clear();
  net::HeaderList headers;
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  if (!instance.empty()) headers.emplace_back("X-Octofleet-Instance", instance);
  net::WebSocketLimits limits;
  limits.message_bytes *= 4;  // More than the backend takes.
  auto connect = net::WebSocket::Connect(
      io_.get_executor(), (base.empty() ? Bench::Get().base() : base) + "/api/v1/tentacles/ws",
      headers, {}, limits);
  absl::Status status = absl::DeadlineExceededError("no answer");
  bool done = false;
  asio::co_spawn(
      io_, std::move(connect),
      [&](std::exception_ptr, absl::StatusOr<std::shared_ptr<net::WebSocket>> connected) {
        status = connected.status();
        if (connected.ok()) socket_ = *connected;
        done = true;
      });
  EXPECT_TRUE(RunUntil([&] { return done; }));
  if (status.ok()) StartReading();
  return status;
}

void FakeTentacle::StartReading() {
  auto read = [](FakeTentacle* self,
                 std::shared_ptr<net::WebSocket> socket) -> asio::awaitable<void> {
    for (;;) {
      auto text = co_await socket->Read();
      if (socket != self->socket_) co_return;
      if (!text.ok()) {
        self->reading_ = text.status();
        co_return;
      }
      self->received_.push_back(*std::move(text));
    }
  };
  reading_ = true;
  auto reading = read(this, socket_);
  asio::co_spawn(io_, std::move(reading), asio::detached);
}

json::object FakeTentacle::ConnectAndSync() {
  EXPECT_EQ(Connect(), absl::OkStatus());
  // What was ordered a moment ago may come before the table.
  std::deque<std::string> commands;
  json::object message = Next();
  while (!message.empty() && message.at("type").as_string() != "tasks.sync") {
    if (message.contains("id")) commands.push_back(json::serialize(message));
    message = Next();
  }
  received_.insert(received_.begin(), commands.begin(), commands.end());
  return message;
}

void FakeTentacle::Send(const std::string& text) {
  bool done = false;
  auto write = socket_->Write(text);
  asio::co_spawn(io_, std::move(write), [&](std::exception_ptr, absl::Status) { done = true; });
  EXPECT_TRUE(RunUntil([&] { return done; }));
}

void FakeTentacle::Send(const json::object& message) {
  Send(json::serialize(message));
}

json::object FakeTentacle::Next() {
  RunUntil([this] { return !received_.empty() || !reading_.ok(); });
  if (received_.empty()) {
    ADD_FAILURE() << "no message: " << reading_.status();
    return {};
  }
  const std::string text = received_.front();
  received_.pop_front();
  return json::parse(text).as_object();
}

json::object FakeTentacle::Await(std::string_view type) {
  for (;;) {
    json::object message = Next();
    if (message.empty() || message.at("type").as_string() == type) return message;
  }
}

bool FakeTentacle::Acknowledged(std::string_view id) {
  const json::object message = Next();
  return message == json::object{{"type", "ack"}, {"id", id}};
}

void FakeTentacle::Report(std::string id, json::object message, Tables tables) {
  message["id"] = id;
  Send(message);
  const auto is_ack = [&id](const std::string& text) {
    return json::parse(text) == json::value(json::object{{"type", "ack"}, {"id", id}});
  };
  const auto acknowledged = [&] {
    return std::find_if(received_.begin(), received_.end(), is_ack);
  };
  RunUntil([&] { return acknowledged() != received_.end() || !reading_.ok(); });
  const auto ack = acknowledged();
  ASSERT_NE(ack, received_.end()) << json::serialize(message) << ": " << reading_.status();
  // Orders may come before it and are kept. So may the table, which few tests ask for.
  std::deque<std::string> kept;
  const auto is_forgotten = [tables](const std::string& text) {
    return tables == Tables::kForgotten &&
           json::parse(text).at("type").as_string().starts_with("task");
  };
  std::remove_copy_if(received_.begin(), ack, std::back_inserter(kept), is_forgotten);
  received_.erase(received_.begin(), ack + 1);
  received_.insert(received_.begin(), kept.begin(), kept.end());
}

bool FakeTentacle::IsQuiet() {
  io_.restart();
  io_.poll();
  return received_.empty();
}

void FakeTentacle::AnswerWhile(const std::function<void()>& work) {
  io_.restart();
  auto keep = asio::make_work_guard(io_);
  std::thread answers([this] { io_.run(); });
  work();
  keep.reset();
  io_.stop();
  answers.join();
}

absl::Status FakeTentacle::End() {
  EXPECT_TRUE(RunUntil([this] { return !reading_.ok(); })) << "the connection is still there";
  return reading_.status();
}

void FakeTentacle::Close() {
  if (socket_) socket_->Close();
  socket_.reset();
  io_.restart();
  io_.poll();
}

FakePage::FakePage() {
  const net::ClientReply signed_in = Bench::Get().Fetch(
      "POST", "/api/v1/session", {}, fmt::format(R"({{"apiKey":"{}"}})", Bench::Get().key()));
  std::string cookie;
  for (const auto& [name, value] : signed_in.headers) {
    if (strcasecmp(name.c_str(), "set-cookie") == 0) cookie = value.substr(0, value.find(';'));
  }
  reader_ = std::thread([this, cookie] {
    net::ClientRequest request;
    request.url = Bench::Get().base() + "/api/v1/events";
    request.headers = {{"Cookie", cookie}};
    request.total_timeout = absl::InfiniteDuration();
    request.cancel = &stop_;
    request.on_headers = [](unsigned status, const net::HeaderList&) { return status == 200; };
    request.on_body = [this](std::string_view piece) {
      const std::lock_guard lock(mutex_);
      heard_ += piece;
      return !stop_;
    };
    static_cast<void>(net::Fetch(request));
  });
  // "retry:" is the first line: from there on nothing is missed.
  EXPECT_TRUE(Bench::Get().Until([this] {
    const std::lock_guard lock(mutex_);
    return heard_.find("retry:") != std::string::npos;
  }));
}

FakePage::~FakePage() {
  stop_ = true;
  reader_.join();
}

bool FakePage::Hears(const json::object& change) {
  return Bench::Get().Until([this, &change] {
    const std::lock_guard lock(mutex_);
    return heard_.find(fmt::format("data: {}\n\n", json::serialize(change))) != std::string::npos;
  });
}

}  // namespace tentacle::backend
