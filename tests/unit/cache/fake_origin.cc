#include "tests/unit/cache/fake_origin.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "libs/chunks/chunk_list.h"
#include "libs/identity/identity.h"

namespace tentacle::cache::testing {

namespace {

// splitmix64: a counter through a good mixer.
std::uint64_t Mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string HeaderOf(const std::string& head, const std::string& name) {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const auto from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

std::string ReadHead(int fd) {
  std::string head;
  char piece[4096];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return "";
    head.append(piece, static_cast<std::size_t>(got));
  }
  return head;
}

}  // namespace

std::string Pattern(std::uint64_t seed, std::size_t size) {
  std::string bytes;
  bytes.reserve(size + 8);
  for (std::uint64_t counter = 0; bytes.size() < size; ++counter) {
    const std::uint64_t word = Mix(Mix(seed) + counter);
    bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  bytes.resize(size);
  return bytes;
}

FakeOrigin::FakeOrigin() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 64), 0);
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeOrigin::~FakeOrigin() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const int fd : open_)
      ::shutdown(fd, SHUT_RDWR);
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& one : connections_)
    one.join();
  ::close(listener_);
}

std::string FakeOrigin::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void FakeOrigin::Put(const std::string& id, std::string bytes) {
  const std::lock_guard lock(mutex_);
  Image& image = images_[id];
  image.size = bytes.size();
  image.sha256 = identity::Sha256Hex(bytes);
  image.bytes = std::move(bytes);
}

void FakeOrigin::PutChunked(const std::string& id, std::string bytes) {
  chunks::ListBuilder builder;
  builder.Add(bytes);
  const std::string list = chunks::Encode(builder.Finish().value());
  Put(id, std::move(bytes));
  const std::lock_guard lock(mutex_);
  images_[id].list = list;
}

void FakeOrigin::OnMeta(Script script) {
  const std::lock_guard lock(mutex_);
  on_meta_ = std::move(script);
}

void FakeOrigin::OnPull(Script script) {
  const std::lock_guard lock(mutex_);
  on_pull_ = std::move(script);
}

void FakeOrigin::OnChunks(Script script) {
  const std::lock_guard lock(mutex_);
  on_chunks_ = std::move(script);
}

void FakeOrigin::AwaitHeld(int count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return held_ >= count; });
}

void FakeOrigin::Release() {
  {
    const std::lock_guard lock(mutex_);
    released_ = true;
  }
  changed_.notify_all();
}

int FakeOrigin::metas() const {
  const std::lock_guard lock(mutex_);
  return metas_;
}

std::size_t FakeOrigin::ListBytes(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return images_.at(id).list.size();
}

int FakeOrigin::lists() const {
  const std::lock_guard lock(mutex_);
  return lists_;
}

std::uint64_t FakeOrigin::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

std::vector<OriginRequest> FakeOrigin::pulls() const {
  const std::lock_guard lock(mutex_);
  return pulls_;
}

void FakeOrigin::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (fd < 0 || closing_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    open_.insert(fd);
    connections_.emplace_back([this, fd] { Serve(fd); });
  }
}

void FakeOrigin::Serve(int fd) {
  const std::string head = ReadHead(fd);
  if (!head.empty()) {
    OriginRequest request;
    const auto from = head.find(' ') + 1;
    request.path = head.substr(from, head.find(' ', from) - from);
    request.range = HeaderOf(head, "Range");
    request.if_range = HeaderOf(head, "If-Range");
    request.authorization = HeaderOf(head, "Authorization");
    const bool is_pull = !request.path.ends_with("/meta") && !request.path.ends_with("/chunks");
    Send(fd, Answer(std::move(request)), is_pull);
  }
  const std::lock_guard lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

OriginReply FakeOrigin::Answer(OriginRequest request) {
  constexpr std::string_view kPrefix = "/api/v1/tentacles/images/";
  OriginReply reply;
  reply.status = 404;
  if (!request.path.starts_with(kPrefix)) return reply;
  const auto slash = request.path.rfind('/');
  const std::string id = request.path.substr(kPrefix.size(), slash - kPrefix.size());
  const std::string what = request.path.substr(slash + 1);
  Script script;
  {
    const std::lock_guard lock(mutex_);
    const bool is_known = images_.contains(id);
    if (what == "meta") {
      script = on_meta_;
      request.number = ++metas_;
      if (is_known) reply = HonestMeta(id);
    } else if (what == "chunks") {
      script = on_chunks_;
      request.number = ++lists_;
      if (is_known) reply = HonestList(id);
    } else if (what.starts_with("bytes?") && packs_ && is_known) {
      reply = HonestBytes(id, what);
    } else if (what == "pull") {
      script = on_pull_;
      request.number = static_cast<int>(pulls_.size()) + 1;
      pulls_.push_back(request);
      if (is_known) reply = HonestPull(id, request);
    }
  }
  return script ? script(request, std::move(reply)) : reply;
}

OriginReply FakeOrigin::HonestBytes(const std::string& id, const std::string& what) const {
  const Image& image = images_.at(id);
  const std::size_t first = std::stoul(what.substr(what.find("first=") + 6));
  const std::size_t last = std::stoul(what.substr(what.find("last=") + 5));
  OriginReply reply;
  reply.headers = {"Content-Encoding: zstd", fmt::format("ETag: \"{}\"", image.sha256)};
  reply.body.resize(ZSTD_compressBound(last - first + 1));
  reply.body.resize(ZSTD_compress(reply.body.data(), reply.body.size(), image.bytes.data() + first,
                                  last - first + 1, 3));
  return reply;
}

void FakeOrigin::PackBytes() {
  const std::lock_guard lock(mutex_);
  packs_ = true;
}

OriginReply FakeOrigin::HonestList(const std::string& id) const {
  OriginReply reply;
  reply.body = images_.at(id).list;
  if (reply.body.empty()) reply.status = 404;
  return reply;
}

OriginReply FakeOrigin::HonestMeta(const std::string& id) const {
  const Image& image = images_.at(id);
  OriginReply reply;
  reply.headers = {"Content-Type: application/json"};
  reply.body =
      fmt::format(R"({{"id":"{}","name":"image {}","sha256":"{}","sizeBytes":{},"format":"raw"}})",
                  id, id, image.sha256, image.size);
  return reply;
}

OriginReply FakeOrigin::HonestPull(const std::string& id, const OriginRequest& request) const {
  const Image& image = images_.at(id);
  const std::string etag = fmt::format("\"{}\"", image.sha256);
  OriginReply reply;
  reply.headers = {"Content-Type: application/octet-stream", "ETag: " + etag};
  reply.body = image.bytes;
  if (request.range.empty() || (!request.if_range.empty() && request.if_range != etag))
    return reply;
  const std::size_t from = std::stoul(request.range.substr(std::string_view("bytes=").size()));
  if (from >= image.bytes.size()) {
    reply.status = 416;
    reply.body.clear();
    return reply;
  }
  const std::string end = request.range.substr(request.range.find('-') + 1);
  const std::size_t last =
      end.empty() ? image.bytes.size() - 1 : std::min(std::stoul(end), image.bytes.size() - 1);
  reply.status = 206;
  reply.headers.push_back(
      fmt::format("Content-Range: bytes {}-{}/{}", from, last, image.bytes.size()));
  reply.body = image.bytes.substr(from, last + 1 - from);
  return reply;
}

// False: the test ends.
bool FakeOrigin::Hold() {
  std::unique_lock lock(mutex_);
  ++held_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return released_ || closing_; });
  return !closing_;
}

void FakeOrigin::Send(int fd, const OriginReply& reply, bool is_pull) {
  if (reply.hold_head && !Hold()) return;
  std::string head = fmt::format("HTTP/1.1 {} Whatever\r\n", reply.status);
  for (const std::string& line : reply.headers)
    head += line + "\r\n";
  if (reply.states_length)
    head += fmt::format("Content-Length: {}\r\n", reply.stated_length.value_or(reply.body.size()));
  head += "Connection: close\r\n\r\n";
  if (!WriteAll(fd, head)) return;
  std::string_view body = reply.body;
  body = body.substr(0, std::min(body.size(), reply.cut_after.value_or(body.size())));
  {
    const std::lock_guard lock(mutex_);
    if (is_pull) sent_ += body.size();
  }
  if (reply.hold_at) {
    const std::size_t first = std::min(*reply.hold_at, body.size());
    if (!WriteAll(fd, body.substr(0, first)) || !Hold()) return;
    body.remove_prefix(first);
  }
  WriteAll(fd, body);
}

}  // namespace tentacle::cache::testing
