#include "backend/core/offline_reason.h"

#include <gtest/gtest.h>

namespace tentacle::backend {
namespace {

TEST(OfflineReason, IsASentenceAndNeverTheLibrarysWords) {
  EXPECT_EQ(OfflineReason(absl::OutOfRangeError("websocket: closed by the peer with 1000")),
            "the tentacle closed the connection");
  EXPECT_EQ(OfflineReason(absl::UnavailableError("websocket: no answer to 3 pings")),
            "no answer to three pings");
  EXPECT_EQ(OfflineReason(absl::UnavailableError("websocket: end of file")), "the line broke");
  EXPECT_EQ(OfflineReason(absl::CancelledError("websocket: closed")), "the line broke");
  EXPECT_EQ(OfflineReason(absl::DataLossError("x")),
            "a report of it could not be stored; it comes again");
  EXPECT_EQ(OfflineReason(absl::InvalidArgumentError("websocket: bad frame payload")),
            "it sent a binary message, one of more than 1 MiB, or one that is not UTF-8");
}

}  // namespace
}  // namespace tentacle::backend
