#include "services/cache/core/line_measure.h"

#include <algorithm>

namespace tentacle::cache {

namespace {

// Shorter than this the start of TCP and the size of buffers are measured.
constexpr double kSampleSeconds = 5;
// Nothing for so long: the line was not asked.
constexpr double kPauseSeconds = 2;
// A sample counts for so much, so that one bad hour does not make a plan.
constexpr double kWeight = 0.3;
// Below this share of its limit a line is slower than the limit.
constexpr double kLimited = 0.9;

double Seconds(std::chrono::steady_clock::duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

void LineMeasure::Add(std::uint64_t bytes, std::optional<double> limit_mbit, Instant now) {
  if (!runs_ || Seconds(now - last_) > kPauseSeconds) {
    // The piece that comes after a pause came in unknown time.
    runs_ = true;
    began_ = last_ = now;
    bytes_ = 0;
    return;
  }
  bytes_ += bytes;
  last_ = now;
  if (Seconds(now - began_) < kSampleSeconds) return;
  Close(Seconds(now - began_), limit_mbit);
  began_ = now;
  bytes_ = 0;
}

void LineMeasure::Close(double seconds, std::optional<double> limit_mbit) {
  const double sample = static_cast<double>(bytes_) * 8 / 1e6 / seconds;
  // What a limit held back says only that the line gives as much at least.
  const bool held_back = limit_mbit && sample >= *limit_mbit * kLimited;
  if (mbit_ == 0 || (held_back && sample > mbit_)) {
    mbit_ = sample;
  } else if (!held_back) {
    mbit_ += kWeight * (sample - mbit_);
  }
}

}  // namespace tentacle::cache
