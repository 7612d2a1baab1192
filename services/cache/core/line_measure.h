// How much the line to the backend gives, from what pulls see of it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace tentacle::cache {

class LineMeasure {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit LineMeasure(double mbit = 0) : mbit_(mbit) {}

  // Bytes that came over the line, at `now`; `limit_mbit` held meanwhile.
  void Add(std::uint64_t bytes, std::optional<double> limit_mbit, Instant now);

  // 0: nothing was measured yet.
  double mbit() const { return mbit_; }

 private:
  void Close(double seconds, std::optional<double> limit_mbit);

  double mbit_;
  Instant began_;
  Instant last_;
  std::uint64_t bytes_ = 0;
  bool runs_ = false;
};

}  // namespace tentacle::cache
