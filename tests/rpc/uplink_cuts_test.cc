// Whatever happens to the line, it comes back (bar F1 of the reliability plan): cuts of every kind
// in a seeded order.
#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/rpc/uplink_fixture.h"
#include "tests/support/connect_proxy.h"
#include "tests/support/env_number.h"

namespace tentacle::testing {
namespace {

constexpr long kShortCuts = 40;
constexpr unsigned kAskedToWait = 10;

// All connections go through a proxy.
class Cuts : public UplinkTest {
 protected:
  Cuts() {
    ::setenv("http_proxy", proxy_.Url().c_str(), 1);
    ::setenv("no_proxy", "", 1);
  }

  ~Cuts() override {
    StopUplink();
    ::unsetenv("http_proxy");
    ::unsetenv("no_proxy");
  }

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
        return MeetRawly("\x81\x7e\xff\xff{", false);
      case 5:  // A protocol error: a masked frame from a server.
        return MeetRawly("\x81\x81zzzz\x1b", false);
      case 6:  // RST.
        return MeetRawly("\x81\x01{", true);
      case 7:  // No such name. One that is too long is nothing to ask a server about.
        return MeetElsewhere(fmt::format("http://{}.invalid/", std::string(64, 'x')), 2);
      case 8:  // Cut in the TLS handshake.
        return MeetElsewhere(fmt::format("https://127.0.0.1:{}/", cutter_.port()), 2);
      case 9:  // The proxy lets nobody through: 407.
        proxy_.refuses = true;
        backend_.HangUp();
        WaitForAttempts(2);
        proxy_.refuses = false;
        return;
      default:  // Shut, and asked to come back after a while.
        backend_.accepts = false;
        backend_.retry_after = "1";
        backend_.HangUp();
        WaitForAttempts(1);
        backend_.retry_after.clear();
        backend_.accepts = true;
    }
  }

  void MeetRawly(std::string_view frames, bool resets) {
    backend_.raw_frames = frames;
    backend_.resets = resets;
    backend_.HangUp();
    WaitForAttempts(1);
    backend_.raw_frames.clear();
    backend_.resets = false;
  }

  void MeetElsewhere(const std::string& url, double attempts) {
    // A name that the proxy would look up.
    if (url.starts_with("http://")) ::setenv("no_proxy", "invalid", 1);
    config_.config.mutable_backend()->set_url(url);
    backend_.HangUp();
    WaitForAttempts(attempts);
    config_.config.mutable_backend()->set_url(backend_.Url());
    ::setenv("no_proxy", "", 1);
  }

  void WaitForAttempts(double count) {
    const double before = uplink_->Metric("tentacle_uplink_connects_total");
    WaitFor("attempts",
            [&] { return uplink_->Metric("tentacle_uplink_connects_total") >= before + count; });
  }

  ConnectProxy proxy_;
  TcpServer cutter_{[](boost::asio::ip::tcp::socket socket) -> boost::asio::awaitable<void> {
    std::array<char, 5> begun{};  // Of the client's hello.
    co_await socket.async_read_some(boost::asio::buffer(begun),
                                    boost::asio::as_tuple(boost::asio::use_awaitable));
  }};
};

TEST_F(Cuts, OfEveryKindAreOutlivedAndNothingIsLost) {
  config_.config.mutable_uplink()->set_ping_interval_s(1);
  const long seed = EnvNumber("TENTACLE_TEST_SEED", 1);
  const long cuts = EnvNumber("TENTACLE_TEST_CUTS", kShortCuts);
  SCOPED_TRACE(fmt::format("TENTACLE_TEST_SEED={} TENTACLE_TEST_CUTS={}", seed, cuts));
  std::mt19937 random(static_cast<unsigned>(seed));
  // Half-open takes three seconds of pings, and who is asked to wait waits: they are the rarest.
  std::discrete_distribution<unsigned> kinds({6, 6, 4, 4, 1, 4, 4, 4, 4, 4, 1});
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
    // However often it has failed before: the ceiling, or what the backend asked for.
    EXPECT_LE(uplink_->Metric("tentacle_uplink_reconnect_delay_seconds"),
              kind == kAskedToWait ? 2.0 : 0.02);
    WaitFor("the event is up", [&] { return pxe.confirmed() == static_cast<std::uint64_t>(i); });
  }
  EXPECT_EQ(backend_.event_ids().size(), static_cast<std::size_t>(cuts));
}

}  // namespace
}  // namespace tentacle::testing
