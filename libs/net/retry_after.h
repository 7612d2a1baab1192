// What a server says about time and the kind of problem in its answers, and how the status of a
// refusal carries it: Retry-After (RFC 9110 section 10.2.3) and Date (section 6.6.1). Pure, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace tentacle::net {

// "120" or an HTTP date. A date counts from the answer's own `date` header, so that our clock does
// not matter; without a valid one it says nothing. Never negative, at most a day. Nothing: not
// readable.
std::optional<absl::Duration> ParseRetryAfter(std::string_view value, std::string_view date);

void SetRetryAfter(absl::Status& status, absl::Duration wait);
// What the refusing peer asked for; nothing: it did not.
std::optional<absl::Duration> RetryAfter(const absl::Status& status);

// Date headers, in the form of RFC 9110 section 5.6.7; its two obsolete forms are not read.
std::string FormatHttpDate(absl::Time time);
std::optional<absl::Time> ParseHttpDate(std::string_view text);

void SetServerTime(absl::Status& status, absl::Time time);
// The refusing server's clock, to the second; nothing: it did not say.
std::optional<absl::Time> ServerTime(const absl::Status& status);

// "type" of the problem (RFC 9457) that the refusing server described; "" when it did not.
void SetProblemType(absl::Status& status, std::string_view type);
std::string ProblemType(const absl::Status& status);

}  // namespace tentacle::net
