#include "services/discovery/core/watched_interface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/discovery/limits.h"

namespace tentacle::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LocalAddress Address(const std::string& interface, int index, std::uint32_t address) {
  LocalAddress local;
  local.interface = interface;
  local.interface_index = index;
  local.mac.octets = {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(index)};
  local.address = address;
  local.prefix_length = 24;
  return local;
}

std::vector<std::string> Names(const InterfaceChoice& choice) {
  std::vector<std::string> names;
  for (const WatchedInterface& watched : choice.watched)
    names.push_back(watched.name);
  return names;
}

TEST(WatchedInterface, EveryEthernetCountsWhenNoneIsNamed) {
  LocalAddress loopback = Address("lo", 1, 0x7f000001);
  loopback.loopback = true;
  LocalAddress tunnel = Address("wg0", 4, 0x0a630001);
  tunnel.mac = {};
  const auto choice = ChooseInterfaces(
      {loopback, Address("eth0", 2, 0x0a000001), Address("eth1", 3, 0x0a000101), tunnel}, {});
  EXPECT_THAT(Names(choice), ElementsAre("eth0", "eth1"));
  EXPECT_THAT(choice.problems, IsEmpty());
}

TEST(WatchedInterface, SeveralAddressesAreOneInterfaceWithSeveralNetworks) {
  const auto choice =
      ChooseInterfaces({Address("eth0", 2, 0x0a000001), Address("eth0", 2, 0x0a000101)}, {});
  ASSERT_THAT(choice.watched, SizeIs(1));
  EXPECT_THAT(choice.watched[0].subnets, SizeIs(2));
  EXPECT_TRUE(choice.watched[0].IsNeighbour(0x0a000007));
  EXPECT_TRUE(choice.watched[0].IsNeighbour(0x0a000107));
  EXPECT_FALSE(choice.watched[0].IsNeighbour(0x0a000207));
}

TEST(WatchedInterface, OnlyTheNamedOnesAreWatched) {
  const auto choice =
      ChooseInterfaces({Address("eth0", 2, 0x0a000001), Address("eth1", 3, 0x0a000101)}, {"eth1"});
  EXPECT_THAT(Names(choice), ElementsAre("eth1"));
}

TEST(WatchedInterface, ANamedOneThatIsNotThereIsAProblemWithItsName) {
  const auto choice = ChooseInterfaces({Address("eth0", 2, 0x0a000001)}, {"eth0", "eth7"});
  EXPECT_THAT(Names(choice), ElementsAre("eth0"));
  EXPECT_THAT(choice.problems, ElementsAre(HasSubstr("eth7")));
}

TEST(WatchedInterface, AHostWithoutAnEthernetSaysSo) {
  EXPECT_THAT(ChooseInterfaces({}, {}).problems, SizeIs(1));
}

TEST(WatchedInterface, TooManyInterfacesAreCutWithAProblem) {
  std::vector<LocalAddress> addresses;
  for (int i = 1; i <= 100; ++i) {
    addresses.push_back(Address("eth" + std::to_string(i), i, 0x0a000001));
  }
  const auto choice = ChooseInterfaces(addresses, {});
  EXPECT_THAT(choice.watched, SizeIs(limits::kMaxInterfaces));
  EXPECT_THAT(choice.problems, SizeIs(1));
}

}  // namespace
}  // namespace tentacle::discovery
