#include "libs/net/http_types.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "libs/text/view.h"

namespace tentacle::net {

using text::AbslView;

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (absl::EqualsIgnoreCase(key, AbslView(name))) return value;
  }
  return {};
}

std::optional<std::string> HttpRequest::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

namespace {

// A fifo must not hold the thread that opens it.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

// What open(2) returned for `path`: owned by the span from here on.
absl::StatusOr<FileSpan> SpanOf(int fd, const std::string& path) {
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return absl::NotFoundError(fmt::format("{}: not there", path));
    if (errno == EACCES) return absl::PermissionDeniedError(fmt::format("{}: not readable", path));
    if (errno == ELOOP || errno == EXDEV)
      return absl::PermissionDeniedError(fmt::format("{}: a link", path));
    return absl::ErrnoToStatus(errno, path);
  }
  FileSpan span;
  span.fd = std::shared_ptr<int>(new int(fd), [](int* held) {
    ::close(*held);
    delete held;
  });

  struct stat info {};

  if (::fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(info.st_mode))
    return absl::FailedPreconditionError(fmt::format("{}: not a regular file", path));
  span.length = static_cast<std::uint64_t>(info.st_size);
  return span;
}

}  // namespace

absl::StatusOr<FileSpan> OpenFileSpan(const std::string& path) {
  return SpanOf(::open(path.c_str(), kOpenFlags), path);
}

absl::StatusOr<FileSpan> OpenFileSpanBelow(const std::string& folder, const std::string& name) {
  const int at = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return SpanOf(at, folder);
  const absl::Cleanup close_folder([at] { ::close(at); });
  open_how how{};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return SpanOf(static_cast<int>(::syscall(SYS_openat2, at, name.c_str(), &how, sizeof how)), name);
}

HttpReply TextReply(unsigned status, std::string body, std::string content_type) {
  HttpReply reply;
  reply.status = status;
  reply.headers.emplace_back("Content-Type", std::move(content_type));
  reply.body = std::move(body);
  return reply;
}

HttpReply JsonReply(unsigned status, std::string json) {
  return TextReply(status, std::move(json), "application/json");
}

namespace {

std::string_view StatusTitle(unsigned status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

}  // namespace

HttpReply ProblemReply(unsigned status, std::string_view detail, std::string_view type) {
  const boost::json::value body = {
      {"type", type}, {"title", StatusTitle(status)}, {"status", status}, {"detail", detail}};
  return TextReply(status, boost::json::serialize(body), "application/problem+json");
}

namespace {

// Optional white space of RFC 9110 section 5.6.3.
std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Digits alone (RFC 9110 section 14.1.1); a number that no file is long enough for is the largest.
bool Position(std::string_view text, std::uint64_t* out) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  if (!absl::SimpleAtoi(AbslView(text), out)) *out = std::numeric_limits<std::uint64_t>::max();
  return true;
}

}  // namespace

RangeVerdict ParseRange(std::string_view header, std::uint64_t size, ByteRange* out) {
  *out = {0, size};
  header = Trim(header);
  constexpr std::string_view kUnit = "bytes=";
  if (!absl::StartsWithIgnoreCase(AbslView(header), AbslView(kUnit))) return RangeVerdict::kWhole;
  const std::string_view spec = Trim(header.substr(kUnit.size()));
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos)
    return RangeVerdict::kWhole;
  const std::string_view first_text = spec.substr(0, dash);
  const std::string_view last_text = spec.substr(dash + 1);
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (first_text.empty()) {  // The last N bytes.
    if (!Position(last_text, &last)) return RangeVerdict::kWhole;
    if (last == 0 || size == 0) return RangeVerdict::kUnsatisfiable;
    out->length = std::min(last, size);
    out->first = size - out->length;
    return RangeVerdict::kPart;
  }
  if (!Position(first_text, &first)) return RangeVerdict::kWhole;
  if (last_text.empty()) {
    last = size == 0 ? 0 : size - 1;
  } else if (!Position(last_text, &last) || last < first) {
    return RangeVerdict::kWhole;
  }
  if (first >= size) return RangeVerdict::kUnsatisfiable;
  last = std::min(last, size - 1);
  *out = {first, last - first + 1};
  return RangeVerdict::kPart;
}

}  // namespace tentacle::net
