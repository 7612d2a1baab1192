// The probe of the line between a backend that is a function and a cache that is a real socket.
#include "services/uplink/throughput_probe.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/uplink/limits.h"
#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

using ::testing::ElementsAre;

class ThroughputProbeTest : public UplinkTest {
 protected:
  ThroughputProbeTest()
      : metrics_(registry_),
        peers_([this](std::string_view name) { return (folder_ / name).string() + ".sock"; },
               metrics_,
               runtime::Log("uplink", runtime::LogLevel::kError)),
        probe_([this](std::string path) { return Answer(std::move(path)); },
               peers_,
               metrics_,
               clock_) {}

  boost::asio::awaitable<absl::StatusOr<net::ClientReply>> Answer(std::string path) {
    asked_.push_back(path);
    net::ClientReply reply;
    reply.status = status_;
    reply.body = std::string(std::stoul(path.substr(path.find('=') + 1)), 'x');
    co_return reply;
  }

  bool Measure() {
    auto measure = [](uplink::ThroughputProbe& probe) -> boost::asio::awaitable<bool> {
      co_await probe.MeasureIfDue();
      co_return true;
    };
    return loop_.Await(measure(probe_));
  }

  prometheus::Registry registry_;
  uplink::Metrics metrics_;
  uplink::Peers peers_;
  std::vector<std::string> asked_;
  unsigned status_ = 200;
  uplink::ThroughputProbe probe_;
};

TEST_F(ThroughputProbeTest, WaitsForItsTimeAndThenForTheNext) {
  Measure();
  EXPECT_TRUE(asked_.empty());
  clock_.ahead = uplink::limits::kProbeFirst + absl::Seconds(1);
  Measure();
  // No line at all: the small one was too fast to be timed.
  EXPECT_THAT(asked_, ElementsAre("/api/v1/tentacles/probe?bytes=65536",
                                  "/api/v1/tentacles/probe?bytes=1048576"));
  EXPECT_GT(probe_.megabits_per_second(), 1.0);
  Measure();
  EXPECT_EQ(asked_.size(), 2u);
}

TEST_F(ThroughputProbeTest, BackendWithoutTheRouteIsNotAskedAgain) {
  status_ = 404;
  clock_.ahead = uplink::limits::kProbeFirst + absl::Seconds(1);
  Measure();
  clock_.ahead += uplink::limits::kProbeInterval * 2;
  Measure();
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_FALSE(probe_.megabits_per_second().has_value());
}

TEST_F(ThroughputProbeTest, StaysAwayWhileAnImageIsMoving) {
  told_.image_state = cache::v1::IMAGE_STATE_PULLING;
  Start("cache");
  clock_.ahead = uplink::limits::kProbeFirst + absl::Seconds(1);
  Measure();
  EXPECT_TRUE(asked_.empty());
  told_.image_state = cache::v1::IMAGE_STATE_CACHED;
  Measure();
  EXPECT_FALSE(asked_.empty());
}

}  // namespace
}  // namespace tentacle::testing
