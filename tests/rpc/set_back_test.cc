// Bar I6 where it cannot be injected: gRPC's own timers wait for a time of the wall clock, and
// stand still when that is set back. This program is linked with wall_clock_set_back.cc.
#include <sys/socket.h>
#include <sys/un.h>
#include <tentacle/event/v1/event_service.grpc.pb.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "libs/rpc/call.h"
#include "tests/rpc/uplink_fixture.h"

namespace tentacle::testing {
namespace {

class SetBackTest : public UplinkTest {
 protected:
  double CallsInVain() {
    return uplink_->Metric("tentacle_uplink_peer_calls_total",
                           {{"service", "pxe"}, {"code", "UNAVAILABLE"}});
  }

  // Takes connections and says nothing on them.
  static int Listen(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 8), 0);
    return fd;
  }
};

TEST_F(SetBackTest, AServiceThatComesLateIsReached) {
  for (const char* name : {"cache", "discovery", "agent"})
    Start(name);
  StartUplinkAndWait();
  WaitFor("pxe was asked for in vain", [&] { return CallsInVain() > 1; });
  Start("pxe").Append("boot.detected", "{}");
  WaitFor("its event is up", [&] { return backend_.Count("boot.detected") == 1; });
}

TEST_F(SetBackTest, AServiceThatWasAwayIsReachedAgain) {
  for (const char* name : {"cache", "discovery", "agent"})
    Start(name);
  Start("pxe").Append("boot.detected", "{}");
  StartUplinkAndWait();
  WaitFor("its event is up", [&] { return backend_.Count("boot.detected") == 1; });
  services_.erase("pxe");
  const auto before = CallsInVain();
  WaitFor("it is asked for in vain", [&] { return CallsInVain() > before + 1; });
  Start("pxe").Append("boot.detected", "{}");
  WaitFor("the next is up", [&] { return backend_.Count("boot.detected") == 2; });
}

TEST_F(SetBackTest, ACallEndsAtItsDeadline) {
  const int listener = Listen(folder_ / "mute.sock");
  const auto stub = event::v1::EventService::NewStub(rpc::Dial(folder_ / "mute.sock"));
  using Stub = event::v1::EventService::StubInterface::async_interface;
  auto call = rpc::Call<Stub, event::v1::FetchEventsRequest, event::v1::FetchEventsResponse>(
      stub->async(), &Stub::FetchEvents, {}, absl::Milliseconds(100));
  const auto response = loop_.Await(std::move(call));
  EXPECT_TRUE(absl::IsDeadlineExceeded(response.status())) << response.status();
  ::close(listener);
}

}  // namespace
}  // namespace tentacle::testing
