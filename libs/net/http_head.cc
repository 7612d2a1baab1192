#include "libs/net/http_head.h"

#include <fmt/format.h>

#include <boost/beast/http/status.hpp>

#include "libs/net/retry_after.h"

namespace tentacle::net {

namespace {

std::uint64_t LengthOf(const HttpReply& reply, bool to_head) {
  if (to_head && reply.head_length) return *reply.head_length;
  if (reply.file) return reply.file->length;
  if ((reply.spans || reply.stream) && reply.stream_length) return *reply.stream_length;
  return reply.body.size();
}

}  // namespace

std::string_view ReasonPhrase(unsigned status) {
  const auto phrase =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {phrase.data(), phrase.size()};
}

bool GoesInChunks(const HttpReply& reply) {
  return !reply.file && !reply.spans && reply.stream && !reply.stream_length;
}

std::string ReplyHead(const HttpReply& reply, bool to_head, bool keep_alive, absl::Time now) {
  // Date: RFC 9110 section 6.6.1; a tentacle without a clock of its own lives by it.
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", reply.status,
                                 ReasonPhrase(reply.status), FormatHttpDate(now));
  for (const auto& [name, value] : reply.headers) {
    // A header that could begin a line of its own would let outside text forge headers.
    if (value.find_first_of("\r\n") == std::string::npos)
      head += fmt::format("{}: {}\r\n", name, value);
  }
  if (GoesInChunks(reply)) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (reply.status != 204 && reply.status != 304) {
    head += fmt::format("Content-Length: {}\r\n", LengthOf(reply, to_head));
  }
  return head + (keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

}  // namespace tentacle::net
