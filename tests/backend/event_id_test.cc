#include "backend/core/event_id.h"

#include <gtest/gtest.h>

namespace tentacle::backend {
namespace {

TEST(EventPosition, OfATentaclesEvent) {
  const auto position = ParseEventPosition("pxe/5a17/42");
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->lane, "pxe/5a17");
  EXPECT_EQ(position->sequence, 42);
  EXPECT_EQ(ParseEventPosition("a/b/999999999999999999")->sequence, 999'999'999'999'999'999);
}

TEST(EventPosition, OtherIdsAreOpaque) {
  for (const char* id : {"", "/", "//1", "pxe/42", "pxe//42", "/5a/42", "a/b/c/42", "pxe/5a/",
                         "pxe/5a/-1", "pxe/5a/4x", "pxe/5a/1999999999999999999", "42"}) {
    EXPECT_FALSE(ParseEventPosition(id).has_value()) << id;
  }
}

}  // namespace
}  // namespace tentacle::backend
