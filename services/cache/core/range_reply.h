// What an origin's answer means for a pull that asked for the bytes from `offset` up to `end`.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tentacle::cache {

struct PullQuestion {
  std::uint64_t offset = 0;
  std::uint64_t end = 0;   // Behind the last byte.
  std::uint64_t size = 0;  // Of the whole image.
  std::string sha256;
};

struct OriginAnswer {
  unsigned status = 0;
  std::string_view content_range;
  std::string_view content_length;
  std::string_view etag;
  std::string_view content_type;
};

enum class PullVerdict {
  kAppend,     // The bytes continue where the pull stands.
  kFromStart,  // The bytes are the whole image: what is here is thrown away.
  kRetry,      // Nothing usable now; later perhaps.
  kGiveUp,     // Nothing usable ever.
};

struct PullJudgement {
  PullVerdict verdict = PullVerdict::kRetry;
  std::string reason;
};

PullJudgement JudgeAnswer(const PullQuestion& question, const OriginAnswer& answer);

// What an answer means to who asked for a stretch of an image, packed if it can be.
enum class PackedAnswer {
  kPacked,
  kPlain,
  kCannot,   // This backend does not know the question; another one it does.
  kRetry,    // Nothing usable now.
  kChanged,  // Of another image than the one that was announced.
};

PackedAnswer JudgePacked(std::string_view sha256,
                         unsigned status,
                         std::string_view content_encoding,
                         std::string_view etag,
                         std::string_view content_type);

}  // namespace tentacle::cache
