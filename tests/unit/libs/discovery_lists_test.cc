// What discovery may ask is the owner's decision, and no list of it reaches beyond a segment.
#include "libs/config/discovery_lists.h"

#include <fmt/format.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/config/config.h"
#include "libs/net/network.h"

namespace tentacle::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string WhyNot(const std::string& line) {
  Layers layers;
  layers.yaml = "discovery:\n  " + line + "\n";
  const auto loaded = Load(layers);
  return loaded.ok() ? "" : std::string(loaded.status().message());
}

TEST(DiscoveryLists, TheWholeInternetAndASlashEightAreNoSegment) {
  EXPECT_THAT(WhyNot("networks: [0.0.0.0/0]"),
              HasSubstr("\"discovery.networks\": 0.0.0.0/0 is larger than a /16"));
  EXPECT_THAT(WhyNot("networks: [10.1.2.0/24, 10.0.0.0/8]"), HasSubstr("10.0.0.0/8 is larger"));
  EXPECT_THAT(WhyNot("networks: [\"eth0:10.0.0.0/15\"]"), HasSubstr("larger than a /16"));
  EXPECT_EQ(WhyNot("networks: [10.1.0.0/16, 10.1.2.3, \"eth0.20:10.20.0.0/24\"]"), "");
}

TEST(DiscoveryLists, WhatIsNoNetworkIsQuoted) {
  for (const char* text : {"10.0.0.0/33", "10.0.0/24", "10.0.0.0/", "10.0.0.0/2x", ":10.0.0.0/24",
                           "fe80::/64", "lan"}) {
    const std::string why = WhyNot(fmt::format("networks: [\"{}\"]", text));
    EXPECT_THAT(why, HasSubstr(fmt::format("got \"{}\"", text)));
    EXPECT_NE(WhyNot(fmt::format("exclude: [\"{}\"]", text)), "") << text;
  }
}

TEST(DiscoveryLists, PortsAreNumbersAndRangesAndNotTooMany) {
  EXPECT_EQ(WhyNot("ports: [22, 8000-8080]"), "");
  EXPECT_EQ(WhyNot("ports: [1-1024]"), "");
  EXPECT_THAT(WhyNot("ports: [1-1025]"), HasSubstr("more than 1024 ports"));
  for (const char* text : {"0", "65536", "80-70", "80-", "-80", "http", "80 81", "1-2-3"}) {
    EXPECT_THAT(WhyNot(fmt::format("ports: [\"{}\"]", text)),
                HasSubstr(fmt::format("got \"{}\"", text)));
  }
  EXPECT_THAT(*net::ParsePorts({"22", "80-82", "81"}, 10), ElementsAre(22, 80, 81, 82));
}

TEST(DiscoveryLists, ServersAndTargetsAreAddresses) {
  EXPECT_EQ(WhyNot("ping_targets: [gateway, devices, 10.0.0.1]"), "");
  EXPECT_THAT(WhyNot("ping_targets: [everybody]"), HasSubstr("\"discovery.ping_targets\""));
  EXPECT_THAT(WhyNot("dhcp_servers: [10.0.0.1/24]"), HasSubstr("\"discovery.dhcp_servers\""));
}

TEST(DiscoveryLists, AreBounded) {
  std::string list = "exclude: [10.0.0.1";
  for (int i = 0; i < kMaxListEntries; ++i)
    list += ", 10.0.0.1";
  EXPECT_THAT(WhyNot(list + "]"), HasSubstr(fmt::format("at most {} entries", kMaxListEntries)));
}

TEST(DiscoveryLists, WhatIsSweptIsNotTheBackendsToSay) {
  for (const char* list :
       {R"("networks":["10.0.0.0/24"])", R"("exclude":[])", R"("allow_large_networks":true)"}) {
    TentacleConfig config = Defaults();
    const auto status = MergeRemote(fmt::format("{{\"discovery\":{{{}}}}}", list), &config);
    EXPECT_THAT(std::string(status.message()), HasSubstr("is set on the tentacle only")) << list;
  }
}

TEST(DiscoveryLists, QuietByItself) {
  const TentacleConfig config = Defaults();
  const auto& discovery = config.discovery();
  EXPECT_LE(discovery.probes_per_second(), 50u);
  EXPECT_EQ(discovery.ports_size(), 0);
  EXPECT_EQ(discovery.ping_targets_size(), 0);
  EXPECT_FALSE(discovery.allow_large_networks());
}

}  // namespace
}  // namespace tentacle::config
