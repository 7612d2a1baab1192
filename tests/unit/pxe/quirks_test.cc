// The table of quirks, what is remembered of clients, and circles.
#include "services/pxe/core/quirks.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "services/pxe/core/client_memory.h"
#include "services/pxe/core/loader_loops.h"
#include "services/pxe/core/proxy_dhcp.h"
#include "services/pxe/limits.h"
#include "tests/support/data_dir.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

BootRequest Boot(int arch) {
  return std::get<BootRequest>(ReadBootRequest(Discover(arch), DhcpPort::kDhcp));
}

TEST(Quirks, EveryBuiltInRowCanBeReadAndIsExplained) {
  std::ifstream file(DataDir() + "/../../docs/firmware.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const std::string_view row : BuiltInQuirks()) {
    const auto quirk = config::ParsePxeQuirk(row);
    ASSERT_TRUE(quirk.ok()) << row << ": " << quirk.status();
    EXPECT_NE(page.str().find("`" + quirk->name + "`"), std::string::npos) << quirk->name;
  }
}

TEST(Quirks, ARowHoldsWhereAllItNamesHolds) {
  QuirkTable table;
  ASSERT_TRUE(
      table.Configure({"name=a mac=52:54 arch=7 vendor=PXEClient:Arch:00007 delay_ms=300"}).ok());
  EXPECT_EQ(table.For(Boot(7)).names, "a");
  EXPECT_EQ(table.For(Boot(7)).delay, absl::Milliseconds(300));
  EXPECT_EQ(table.For(Boot(9)).names, "");
  BootRequest other = Boot(7);
  other.mac.octets[1] = 0x55;
  EXPECT_EQ(table.For(other).names, "");
}

TEST(Quirks, ALaterRowCountsMore) {
  QuirkTable table;
  ASSERT_TRUE(table
                  .Configure({"name=all arch=7 loader=snponly.efi window=4",
                              "name=one mac=52:54:00:65:d5:42 window=1"})
                  .ok());
  const QuirkEffects effects = table.For(Boot(7));
  EXPECT_EQ(effects.names, "all, one");
  EXPECT_EQ(effects.loader, "snponly.efi");
  EXPECT_EQ(effects.window, 1u);
}

TEST(Quirks, WhatTheyChangeIsSeenInTheAnswer) {
  QuirkTable table;
  ASSERT_TRUE(
      table.Configure({"name=deaf arch=7 option43=bypass loader=snponly.efi nul=yes"}).ok());
  const BootRequest boot = Boot(7);
  const Arrival arrival{DhcpPort::kDhcp, 0xc0a80a02, 0, 68};
  const auto choice = ChooseBoot(boot, arrival, {}, table.For(boot), false);
  const auto reply = AnswerDhcp(Discover(7), boot, arrival, std::get<BootChoice>(choice)).reply;
  EXPECT_EQ(reply.boot_file, "snponly.efi");
  EXPECT_TRUE(reply.Option(wire::dhcp_option::kVendorSpecific).has_value());
  EXPECT_EQ(reply.options.back().data.back(), 0);
}

TEST(Quirks, ARowThatCannotBeReadChangesNothingAndSaysTheWord) {
  QuirkTable table;
  ASSERT_TRUE(table.Configure({"name=a arch=7 window=4"}).ok());
  const std::pair<const char*, const char*> bad[] = {
      {"arch=7 window=4", "name="},
      {"name=a window=4", "everybody"},
      {"name=a arch=7 window=65", "\"window\": want 1 to 64"},
      {"name=a arch=7 delay_ms=2001", "want 0 to 2000"},
      {"name=a arch=x", "\"arch\""},
      {"name=a mac=5254", "\"mac\""},
      {"name=a mac=52:54:00:65:d5:42:01", "\"mac\""},
      {"name=a mac=52:", "\"mac\""},
      {"name=a arch=7 loader=../etc/passwd", "\"loader\""},
      {"name=a arch=7 loader=/etc/passwd", "\"loader\""},
      {"name=a arch=7 option43=menu", "\"option43\""},
      {"name=a arch=7 nul=1", "yes or no"},
      {"name=a arch=7 colour=blue", "\"colour\": unknown"},
      {"name=a arch=7 window", "key=value"},
  };
  for (const auto& [row, word] : bad) {
    const absl::Status status = table.Configure({row});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row;
    EXPECT_NE(std::string(status.message()).find(word), std::string::npos) << row << ": " << status;
  }
  EXPECT_EQ(table.For(Boot(7)).window, 4u);
}

TEST(ClientMemory, KnowsWhoHasAnAddress) {
  ClientMemory memory;
  memory.Bound(kMac, 1);
  EXPECT_EQ(memory.MacAt(1), std::nullopt);  // Never answered: none of ours.
  memory.Answered(kMac, {512, 4}, kNow);
  memory.Bound(kMac, 1);
  EXPECT_EQ(memory.MacAt(1), kMac);
  EXPECT_EQ(memory.CapsOf(kMac).block_bytes, 512u);
  memory.Bound(kMac, 2);
  EXPECT_EQ(memory.MacAt(1), std::nullopt);
  EXPECT_EQ(memory.MacAt(2), kMac);
  memory.Bound(kMac, 0);
  EXPECT_EQ(memory.MacAt(2), kMac);
}

TEST(ClientMemory, IsBounded) {
  ClientMemory memory;
  for (std::uint32_t i = 0; i < limits::kMaxTasks + 10; ++i) {
    wire::MacAddress mac = kMac;
    mac.octets[4] = static_cast<std::uint8_t>(i >> 8);
    mac.octets[5] = static_cast<std::uint8_t>(i & 0xff);
    memory.Answered(mac, {}, kNow);
    memory.Bound(mac, i + 1);
    memory.FirstBlockLost(i + 1, kNow);
  }
  EXPECT_EQ(memory.MacAt(limits::kMaxTasks + 5), std::nullopt);
  EXPECT_FALSE(memory.WantsSmallBlocks(limits::kMaxTasks + 5, kNow));
  // Room comes with time.
  memory.Answered(kMac, {}, kNow + limits::kClientKept + absl::Seconds(1));
  memory.Bound(kMac, 77);
  EXPECT_EQ(memory.MacAt(77), kMac);
}

TEST(ClientMemory, ANarrowWayIsForgottenAfterAWhile) {
  ClientMemory memory;
  memory.FirstBlockLost(1, kNow);
  EXPECT_TRUE(memory.WantsSmallBlocks(1, kNow + limits::kNarrowKept));
  EXPECT_FALSE(memory.WantsSmallBlocks(1, kNow + limits::kNarrowKept + absl::Seconds(1)));
  EXPECT_FALSE(memory.RelaysAreServed(kNow));
  memory.Relayed(kNow);
  EXPECT_TRUE(memory.RelaysAreServed(kNow + limits::kRelayServed));
  EXPECT_FALSE(memory.RelaysAreServed(kNow + limits::kRelayServed + absl::Seconds(1)));
}

TEST(LoaderLoops, TwoLoadersWithoutAnIpxeBetweenThemAreACircle) {
  LoaderLoops loops;
  EXPECT_FALSE(loops.LoaderSent(kMac, kNow));
  EXPECT_FALSE(loops.GoesRound(kMac, kNow));
  EXPECT_TRUE(loops.LoaderSent(kMac, kNow + absl::Seconds(20)));
  EXPECT_TRUE(loops.GoesRound(kMac, kNow + absl::Seconds(25)));
  EXPECT_FALSE(loops.GoesRound(kMac, kNow + absl::Minutes(5)));
}

TEST(LoaderLoops, AnIpxeThatSaysSoOrTimeInBetweenIsNone) {
  LoaderLoops loops;
  loops.LoaderSent(kMac, kNow);
  loops.Forget(kMac);
  EXPECT_FALSE(loops.LoaderSent(kMac, kNow + absl::Seconds(20)));
  EXPECT_FALSE(loops.LoaderSent(kMac, kNow + absl::Minutes(5)));
  EXPECT_FALSE(loops.GoesRound(kMac, kNow + absl::Minutes(5)));
}

TEST(LoaderLoops, OnlyIpxeIsALoader) {
  EXPECT_TRUE(IsIpxeLoader("arm64-efi/ipxe.efi"));
  EXPECT_TRUE(IsIpxeLoader("undionly.kpxe"));
  EXPECT_FALSE(IsIpxeLoader("secureboot/shimx64.efi"));
  EXPECT_FALSE(IsIpxeLoader("rpi/start4.elf"));
}

}  // namespace
}  // namespace tentacle::pxe
