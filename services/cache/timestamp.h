// Points in time as messages have them.
#pragma once

#include <cstdint>

#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>

namespace tentacle::cache {

// To the nanosecond: whoever waits for a newer time sees two of one second apart.
inline void SetTime(google::protobuf::Timestamp* to, absl::Time at) {
  const std::int64_t seconds = absl::ToUnixSeconds(at);
  to->set_seconds(seconds);
  to->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(at - absl::FromUnixSeconds(seconds))));
}

}  // namespace tentacle::cache
