// How long to wait before the next attempt: exponential with full jitter, so that a thousand
// tentacles whose backend came back do not arrive in step. Pure; randomness is an argument.
#pragma once

#include <absl/time/time.h>

namespace tentacle::retry {

struct BackoffPolicy {
  absl::Duration base = absl::Milliseconds(500);  // Ceiling of the first delay.
  absl::Duration cap = absl::Minutes(1);          // Ceiling of every delay.
};

class Backoff {
 public:
  // A base that is not positive becomes 1 ms, a cap below the base becomes the base.
  explicit Backoff(BackoffPolicy policy);

  // After the n-th failure in a row: `random` (in [0, 1]; clamped) of min(cap, base * 2^(n-1)).
  absl::Duration Next(double random);

  void Reset() { failures_ = 0; }

  int failures() const { return failures_; }

  // What the next delay will not exceed.
  absl::Duration ceiling() const;

 private:
  BackoffPolicy policy_;
  int failures_ = 0;
};

}  // namespace tentacle::retry
