// A cache that has images, for the tests of what becomes of them.
#pragma once

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {

inline constexpr std::size_t kMib = 1 << 20;
inline constexpr std::size_t kSize = 4 * kMib + 5;

class KeepingTest : public ::testing::Test {
 protected:
  void Have(const std::string& id, const std::string& bytes) {
    origin_.PutChunked(id, bytes);
    ASSERT_TRUE(bench_.Pull(id).ok());
    ASSERT_EQ(bench_.AwaitRest(id).state(), v1::IMAGE_STATE_CACHED);
  }

  const std::string bytes_ = Pattern(1, kSize);
  FakeOrigin origin_;
  CacheBench bench_{origin_};
};

}  // namespace tentacle::cache::testing
