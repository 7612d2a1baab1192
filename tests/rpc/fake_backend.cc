#include "tests/rpc/fake_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/sha.h>

#include "libs/identity/identity.h"

namespace tentacle::testing {

namespace asio = boost::asio;

FakeBackend::FakeBackend(Loop& loop, std::string public_key_base64)
    : loop_(loop),
      public_key_(std::move(public_key_base64)),
      server_(loop.home(), [this](const net::HttpRequest& request) { return Handle(request); }) {
  EXPECT_TRUE(server_.Listen("127.0.0.1:0").ok());
  auto run = server_.Run();
  asio::co_spawn(loop.io(), std::move(run), asio::detached);
}

FakeBackend::~FakeBackend() {
  HangUp();
  server_.Close();
}

std::string FakeBackend::Url() const {
  return fmt::format("http://127.0.0.1:{}/", server_.port());
}

asio::awaitable<net::HttpReply> FakeBackend::Handle(net::HttpRequest request) {
  if (request.path != "/api/v1/tentacles/ws") co_return net::ProblemReply(404, "no such path");
  if (!accepts) {
    net::HttpReply busy = net::ProblemReply(503, "not now");
    if (!retry_after.empty()) busy.headers.emplace_back("Retry-After", retry_after);
    co_return busy;
  }
  if (removed) co_return net::ProblemReply(401, "removed", backend_link::kRemovedProblem);
  last_instance_ = std::string(request.Header("X-Octofleet-Instance"));
  std::string_view token = request.Header("Authorization");
  token.remove_prefix(std::min<std::size_t>(token.size(), 7));  // "Bearer "
  last_token_ = identity::VerifyToken(token, public_key_, absl::Now());
  if (!last_token_.ok()) co_return net::ProblemReply(401, std::string(last_token_.message()));
  net::HttpReply reply;
  reply.upgrade = [this](std::shared_ptr<net::UpgradedConnection> connection) {
    return raw_frames.empty() ? Serve(std::move(connection)) : ServeRaw(std::move(connection));
  };
  co_return reply;
}

asio::awaitable<void> FakeBackend::Serve(std::shared_ptr<net::UpgradedConnection> connection) {
  // A rude backend may send more than uplink takes.
  net::WebSocketLimits limits;
  limits.message_bytes *= 8;
  auto accepted = co_await net::WebSocket::Accept(std::move(connection), limits);
  if (!accepted.ok()) co_return;
  const std::shared_ptr<net::WebSocket> socket = *accepted;
  socket_ = socket;
  ++connections_;
  for (const std::string& frame : greeting)
    co_await socket->Write(frame);
  for (;;) {
    const auto frame = co_await socket->Read();
    if (!frame.ok()) break;
    auto message = backend_link::Parse(*frame);
    if (!message.ok()) {
      ADD_FAILURE() << "uplink sent no message: " << *frame;
      continue;
    }
    if (message->type == "ack") {
      acknowledged_by_peer_.insert(message->id.value_or(""));
      continue;
    }
    const auto id = message->id;
    messages_.push_back(*std::move(message));
    if (!id) continue;
    event_ids_.insert(*id);
    if (acknowledges) co_await socket->Write(backend_link::Serialize(backend_link::Ack(*id)));
  }
  if (socket_ == socket) socket_.reset();
}

asio::awaitable<void> FakeBackend::ServeRaw(std::shared_ptr<net::UpgradedConnection> connection) {
  // RFC 6455 section 4.2.2: the key with a fixed GUID behind it, SHA-1, base64.
  const std::string key = fmt::format("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                                      connection->request.Header("Sec-WebSocket-Key"));
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
       reinterpret_cast<unsigned char*>(digest.data()));
  const std::string bytes = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n{}",
      identity::Base64Encode(digest), raw_frames);
  raw_ = connection;  // Stays open.
  const auto [error, size] = co_await asio::async_write(connection->socket, asio::buffer(bytes),
                                                        asio::as_tuple(asio::use_awaitable));
  EXPECT_FALSE(error) << error.message();
  EXPECT_EQ(size, bytes.size());
  if (!resets) co_return;
  connection->socket.set_option(asio::socket_base::linger(true, 0));
  connection->socket.close();
}

void FakeBackend::Send(const std::string& frame) {
  ASSERT_NE(socket_, nullptr);
  auto write = Write(socket_, frame);
  asio::co_spawn(loop_.io(), std::move(write), asio::detached);
}

asio::awaitable<void> FakeBackend::Write(std::shared_ptr<net::WebSocket> socket,
                                         std::string frame) {
  const absl::Status status = co_await socket->Write(std::move(frame));
  EXPECT_TRUE(status.ok()) << status;
}

void FakeBackend::Acknowledge(const std::string& id) {
  Send(backend_link::Serialize(backend_link::Ack(id)));
}

void FakeBackend::HangUp() {
  if (socket_) std::exchange(socket_, nullptr)->Close();
}

std::size_t FakeBackend::Count(const std::string& type) const {
  return static_cast<std::size_t>(std::count_if(messages_.begin(), messages_.end(),
                                                [&type](const auto& m) { return m.type == type; }));
}

const backend_link::Message* FakeBackend::Last(const std::string& type) const {
  for (auto message = messages_.rbegin(); message != messages_.rend(); ++message) {
    if (message->type == type) return &*message;
  }
  return nullptr;
}

}  // namespace tentacle::testing
