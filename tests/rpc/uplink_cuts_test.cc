// Whatever happens to the line, it comes back (bar F1 of the reliability plan): cuts of every kind
// in a seeded order.
#include <fmt/format.h>

#include <filesystem>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/rpc/uplink_fixture.h"
#include "tests/support/env_number.h"

namespace tentacle::testing {
namespace {

constexpr long kShortCuts = 30;

class Cuts : public UplinkTest {
 protected:
  // The connection ends, and the way back is blocked a few times.
  void Cut(unsigned kind) {
    switch (kind) {
      case 0:  // In order.
        return backend_.HangUp();
      case 1:  // The door stays shut for a while.
        backend_.accepts = false;
        backend_.HangUp();
        WaitForAttempts(2);
        backend_.accepts = true;
        return;
      case 2:  // Its clock is off: 401 until it has learnt the time.
        clock_.ahead += absl::Hours(3);
        return backend_.HangUp();
      case 3:  // Too large.
        return backend_.Send(
            fmt::format(R"({{"type":"task.cancel","taskId":"{}"}})", std::string(2 << 20, 'x')));
      case 4:  // A frame without end behind the handshake, and then nothing: half-open until the
               // pings say so.
        backend_.raw_frames = std::string("\x81\x7e\xff\xff{", 5);
        backend_.HangUp();
        WaitForAttempts(1);
        backend_.raw_frames.clear();
        return;
      default:  // A protocol error: a masked frame from a server.
        backend_.raw_frames = std::string("\x81\x81zzzz\x1b", 7);
        backend_.HangUp();
        WaitForAttempts(1);
        backend_.raw_frames.clear();
    }
  }

  void WaitForAttempts(double count) {
    const double before = uplink_->Metric("tentacle_uplink_connects_total");
    WaitFor("attempts",
            [&] { return uplink_->Metric("tentacle_uplink_connects_total") >= before + count; });
  }
};

TEST_F(Cuts, OfEveryKindAreOutlivedAndNothingIsLost) {
  config_.config.mutable_uplink()->set_ping_interval_s(1);
  const long seed = EnvNumber("TENTACLE_TEST_SEED", 1);
  const long cuts = EnvNumber("TENTACLE_TEST_CUTS", kShortCuts);
  SCOPED_TRACE(fmt::format("TENTACLE_TEST_SEED={} TENTACLE_TEST_CUTS={}", seed, cuts));
  std::mt19937 random(static_cast<unsigned>(seed));
  // Half-open takes three seconds of pings, so it is the rarest.
  std::discrete_distribution<unsigned> kinds({6, 6, 4, 4, 1, 4});
  FakeService& pxe = Start("pxe");
  StartUplinkAndWait();
  for (long i = 1; i <= cuts && !HasFatalFailure(); ++i) {
    pxe.Append("boot.detected", fmt::format(R"({{"number":{}}})", i));
    const std::size_t connections = backend_.connections();
    const unsigned kind = kinds(random);
    SCOPED_TRACE(fmt::format("cut {} of kind {}", i, kind));
    Cut(kind);
    WaitFor("another connection",
            [&] { return backend_.connections() > connections && backend_.connected(); });
    WaitFor("the event is up", [&] { return pxe.confirmed() == static_cast<std::uint64_t>(i); });
  }
  EXPECT_EQ(backend_.event_ids().size(), static_cast<std::size_t>(cuts));
}

}  // namespace
}  // namespace tentacle::testing
