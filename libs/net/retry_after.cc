#include "libs/net/retry_after.h"

#include <algorithm>
#include <string>

#include <absl/strings/cord.h>
#include <absl/strings/numbers.h>

namespace tentacle::net {

namespace {

constexpr char kServerTimePayload[] = "octofleet/server-time-s";
constexpr char kProblemPayload[] = "octofleet/problem-type";
constexpr char kPayload[] = "octofleet/retry-after-ms";
// What a peer may ask for at most: a typing error there must not silence a branch for a year.
constexpr absl::Duration kMaxWait = absl::Hours(24);

}  // namespace

std::string FormatHttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  absl::Time time;
  std::string ignored;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", absl::string_view(text.data(), text.size()),
                       &time, &ignored)) {
    return std::nullopt;
  }
  return time;
}

std::optional<absl::Duration> ParseRetryAfter(std::string_view value, std::string_view date) {
  std::uint32_t seconds = 0;
  if (absl::SimpleAtoi(absl::string_view(value.data(), value.size()), &seconds)) {
    return std::min(absl::Seconds(seconds), kMaxWait);
  }
  const auto until = ParseHttpDate(value);
  const auto now = ParseHttpDate(date);
  if (!until || !now) return std::nullopt;
  return std::clamp(*until - *now, absl::ZeroDuration(), kMaxWait);
}

void SetRetryAfter(absl::Status& status, absl::Duration wait) {
  status.SetPayload(kPayload, absl::Cord(std::to_string(absl::ToInt64Milliseconds(wait))));
}

std::optional<absl::Duration> RetryAfter(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  std::int64_t milliseconds = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

void SetServerTime(absl::Status& status, absl::Time time) {
  status.SetPayload(kServerTimePayload, absl::Cord(std::to_string(absl::ToUnixSeconds(time))));
}

void SetProblemType(absl::Status& status, std::string_view type) {
  status.SetPayload(kProblemPayload, absl::Cord(absl::string_view(type.data(), type.size())));
}

std::string ProblemType(const absl::Status& status) {
  const auto payload = status.GetPayload(kProblemPayload);
  return payload ? std::string(*payload) : "";
}

std::optional<absl::Time> ServerTime(const absl::Status& status) {
  const auto payload = status.GetPayload(kServerTimePayload);
  std::int64_t seconds = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &seconds)) return std::nullopt;
  return absl::FromUnixSeconds(seconds);
}

}  // namespace tentacle::net
