// What an HTTP server is asked and what it answers, as plain values. No Beast here, so that routes
// can be written and tested without it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace tentacle::net {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // "GET", upper case.
  std::string path;    // Percent-decoded, without query; never empty.
  std::vector<std::pair<std::string, std::string>> query;  // Percent-decoded.
  HeaderList headers;
  std::string body;
  std::string remote_ip;  // Of the TCP peer, or of whom a trusted proxy speaks for.
  std::string local_ip;   // The address that the peer asked.

  // The first header of that name (any case), or "".
  std::string_view Header(std::string_view name) const;
  std::optional<std::string> Query(std::string_view name) const;
};

// A part of an open file, sent with sendfile(2). Owns the descriptor.
struct FileSpan {
  std::shared_ptr<int> fd;  // Closed by its deleter; see OpenFileSpan().
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Opens `path` for reading, whole. NotFound, PermissionDenied, FailedPrecondition (not a regular
// file).
absl::StatusOr<FileSpan> OpenFileSpan(const std::string& path);
// `name` below `folder`, where no name and no link leads out: a symbolic link in `name` is refused
// (PermissionDenied), wherever it points to. openat2(2).
absl::StatusOr<FileSpan> OpenFileSpanBelow(const std::string& folder, const std::string& name);

// A body that is not there yet as a whole: asked again and again until it returns an empty string.
// An error closes the connection, which a client sees as a short body.
using BodyStream = std::function<boost::asio::awaitable<absl::StatusOr<std::string>>()>;

// A body that is in files, but not all of it yet: asked again and again until it returns a span of
// length 0. Each is sent with sendfile(2). An error closes the connection.
using SpanStream = std::function<boost::asio::awaitable<absl::StatusOr<FileSpan>>()>;

// The connection after "101 Switching Protocols" was asked for; the handler owns it from here.
struct UpgradedConnection {
  boost::asio::ip::tcp::socket socket;
  HttpRequest request;
};

using UpgradeHandler =
    std::function<boost::asio::awaitable<void>(std::shared_ptr<UpgradedConnection>)>;

struct HttpReply {
  unsigned status = 200;
  HeaderList headers;
  // Exactly one of the following is used, in this order of precedence.
  UpgradeHandler upgrade;
  std::optional<FileSpan> file;
  SpanStream spans;   // Needs stream_length.
  BodyStream stream;  // Chunked, unless stream_length is set.
  std::optional<std::uint64_t> stream_length;
  std::string body;
  // HEAD only: the Content-Length to state when it is not that of `body`.
  std::optional<std::uint64_t> head_length;
  // Of `file` and `spans`: called with each piece that the kernel has taken.
  std::function<void(std::uint64_t bytes)> on_sent;
  // Of `file` and `spans`: asked before each piece. False: the file does not hold what was promised
  // any more, and the line is cut.
  std::function<bool()> still_right;
};

HttpReply TextReply(unsigned status,
                    std::string body,
                    std::string content_type = "text/plain; charset=utf-8");
HttpReply JsonReply(unsigned status, std::string json);
// RFC 9457. `detail` is one sentence a person can act on; it reaches the client as it is.
// `type` is a URI that programs know the problem by.
HttpReply ProblemReply(unsigned status,
                       std::string_view detail,
                       std::string_view type = "about:blank");

using HttpHandler = std::function<boost::asio::awaitable<HttpReply>(const HttpRequest&)>;

// Range header (RFC 9110 section 14.1.2) against a representation of `size` bytes.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};
enum class RangeVerdict { kWhole, kPart, kUnsatisfiable };
// Syntax errors, other units and more than one range mean the whole (allowed by section 14.2).
RangeVerdict ParseRange(std::string_view header, std::uint64_t size, ByteRange* out);

}  // namespace tentacle::net
