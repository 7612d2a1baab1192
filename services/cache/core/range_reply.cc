#include "services/cache/core/range_reply.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace tentacle::cache {

namespace {

std::optional<std::uint64_t> Number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "bytes 100-199/200" (RFC 9110 section 14.4).
bool ContinuesAt(std::string_view content_range, const PullQuestion& question) {
  return content_range ==
         fmt::format("bytes {}-{}/{}", question.offset, question.end - 1, question.size);
}

// Only a quoted SHA-256 says which image it is; a proxy or a file server makes tags of its own.
bool IsHashTag(std::string_view etag) {
  if (etag.size() != 66 || etag.front() != '"' || etag.back() != '"') return false;
  return etag.substr(1, 64).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

PullJudgement JudgeAnswer(const PullQuestion& question, const OriginAnswer& answer) {
  if (answer.status == 404 || answer.status == 410)
    return {PullVerdict::kGiveUp, "the backend has no such image"};
  if (answer.status == 416)
    return {PullVerdict::kFromStart, "the backend's image is shorter than what is here"};
  if (answer.status != 200 && answer.status != 206) {
    return {PullVerdict::kRetry, fmt::format("the backend answered {}", answer.status)};
  }
  // A captive portal or a proxy's error page.
  if (answer.content_type.starts_with("text/html"))
    return {PullVerdict::kRetry, "the answer is a web page"};
  if (IsHashTag(answer.etag) && answer.etag != fmt::format("\"{}\"", question.sha256)) {
    return {PullVerdict::kGiveUp, "the backend's image has changed since it was announced"};
  }
  const auto length = Number(answer.content_length);
  if (answer.status == 206) {
    if (ContinuesAt(answer.content_range, question)) return {PullVerdict::kAppend, ""};
    return {PullVerdict::kRetry,
            fmt::format("the answer is another range: {}", answer.content_range)};
  }
  if (length && *length != question.size) {
    return {PullVerdict::kGiveUp,
            fmt::format("the backend sends {} bytes, {} were announced", *length, question.size)};
  }
  return {PullVerdict::kFromStart, ""};
}

PackedAnswer JudgePacked(std::string_view sha256,
                         unsigned status,
                         std::string_view content_encoding,
                         std::string_view etag,
                         std::string_view content_type) {
  if (status >= 400 && status < 500 && status != 401 && status != 403 && status != 429)
    return PackedAnswer::kCannot;
  if (status == 501) return PackedAnswer::kCannot;
  if (status != 200 || content_type.starts_with("text/html")) return PackedAnswer::kRetry;
  if (IsHashTag(etag) && etag != fmt::format("\"{}\"", sha256)) return PackedAnswer::kChanged;
  if (content_encoding == "zstd") return PackedAnswer::kPacked;
  return content_encoding.empty() || content_encoding == "identity" ? PackedAnswer::kPlain
                                                                    : PackedAnswer::kCannot;
}

}  // namespace tentacle::cache
