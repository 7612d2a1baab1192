#include "libs/rpc/denial.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "libs/rpc/limits.h"

namespace tentacle::rpc {

namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113, 3.4.
constexpr std::size_t kFrameHeaderBytes = 9;
// RFC 9113, 6: types and flags.
constexpr char kHeaders = 1;
constexpr char kSettings = 4;
constexpr char kGoAway = 7;
constexpr char kAck = 1;
constexpr char kEndStreamAndHeaders = 1 | 4;
// A length in HPACK of one byte (RFC 7541, 5.1).
constexpr std::size_t kMaxText = 126;

std::uint32_t Number(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char byte : bytes)
    number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

std::string BigEndian(std::uint32_t number, int bytes) {
  std::string out;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift & 0xff));
  return out;
}

std::string Frame(char type, char flags, std::uint32_t stream, const std::string& payload) {
  return BigEndian(static_cast<std::uint32_t>(payload.size()), 3) + type + flags +
         BigEndian(stream, 4) + payload;
}

// Literal, never indexed, without Huffman (RFC 7541, 6.2.3).
std::string Field(std::string_view name, std::string_view value) {
  std::string field(1, '\x10');
  field += static_cast<char>(name.size());
  field += name;
  field += static_cast<char>(value.size());
  field += value;
  return field;
}

std::string Printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    // '%' begins an escape in grpc-message.
    if (c >= ' ' && c <= '~' && c != '%' && out.size() < kMaxText) out.push_back(c);
  }
  return out;
}

asio::awaitable<void> ReadFirstCall(asio::local::stream_protocol::socket& socket,
                                    std::string& received) {
  std::array<char, 4096> buffer{};
  while (received.size() < limits::kMaxDenialBytes && FirstStream(received) == 0) {
    const auto [error, size] = co_await socket.async_read_some(asio::buffer(buffer), kTuple);
    if (error) co_return;
    received.append(buffer.data(), size);
  }
}

}  // namespace

std::string DenialFrames(unsigned stream, const std::string& message) {
  const std::string fields = std::string("\x88") +  // :status 200 (RFC 7541, appendix A).
                             Field("content-type", "application/grpc") + Field("grpc-status", "7") +
                             Field("grpc-message", Printable(message));
  return Frame(kHeaders, kEndStreamAndHeaders, stream, fields) +
         Frame(kGoAway, 0, 0, BigEndian(stream, 4) + BigEndian(0, 4));
}

unsigned FirstStream(const std::string& received) {
  if (!std::string_view(received).starts_with(kPreface)) return 0;
  std::size_t at = kPreface.size();
  while (at + kFrameHeaderBytes <= received.size()) {
    const std::string_view header = std::string_view(received).substr(at, kFrameHeaderBytes);
    if (header[3] == kHeaders) return Number(header.substr(5)) & 0x7fffffff;
    at += kFrameHeaderBytes + Number(header.substr(0, 3));
  }
  return 0;
}

asio::awaitable<void> Deny(asio::local::stream_protocol::socket refused, std::string message) {
  // Shared with the timer's handler, which may be on its way when this ends.
  const auto shared = std::make_shared<asio::local::stream_protocol::socket>(std::move(refused));
  auto& socket = *shared;
  asio::steady_timer timeout(socket.get_executor(), limits::kDenialTime);
  auto close = [shared](boost::system::error_code error) {
    boost::system::error_code ignored;
    if (!error) shared->shutdown(asio::socket_base::shutdown_both, ignored);
  };
  timeout.async_wait(close);
  // RFC 9113, 3.4: the server speaks first; a client of gRPC sends no call before it has.
  const std::string hello = Frame(kSettings, 0, 0, "") + Frame(kSettings, kAck, 0, "");
  const auto [failed, sent] = co_await asio::async_write(socket, asio::buffer(hello), kTuple);
  static_cast<void>(sent);
  std::string received;
  if (!failed) co_await ReadFirstCall(socket, received);
  if (const unsigned stream = FirstStream(received); stream != 0) {
    const std::string answer = DenialFrames(stream, message);
    const auto [error, size] = co_await asio::async_write(socket, asio::buffer(answer), kTuple);
    static_cast<void>(error);
    static_cast<void>(size);
    // The client closes when it has read the answer; closing first could take it away from it.
    std::array<char, 4096> rest{};
    for (std::size_t total = 0; total < limits::kMaxDenialBytes;) {
      const auto [end, more] = co_await socket.async_read_some(asio::buffer(rest), kTuple);
      if (end) break;
      total += more;
    }
  }
  timeout.cancel();
}

}  // namespace tentacle::rpc
