// The details of the inventory: each source's parser, good and bad, and which parts are sent.
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/inventory_parts.h"
#include "services/agent/core/parse_apt_simulation.h"
#include "services/agent/core/parse_docker_config.h"
#include "services/agent/core/parse_passwd.h"
#include "services/agent/core/parse_podman_list.h"
#include "services/agent/core/parse_rpm_list.h"
#include "services/agent/core/parse_smart_json.h"
#include "services/agent/core/parse_smbios_memory.h"
#include "services/agent/root_files.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

using ::testing::ElementsAre;
using testing::MachineRoot;

std::string Frozen(const std::string& path) {
  return RootFiles(MachineRoot("x86-server")).ReadOrEmpty(path);
}

TEST(SmbiosMemory, AModuleAndAnEmptySlot) {
  const auto module = ParseSmbiosMemory(Frozen("/sys/firmware/dmi/entries/17-0/raw"));
  ASSERT_TRUE(module);
  EXPECT_EQ(module->slot, "DIMM_A1");
  EXPECT_EQ(module->type, "DDR4");
  EXPECT_EQ(module->size_bytes, 32ull << 30);
  EXPECT_EQ(module->megatransfers, 2933u) << "as configured, not as labelled";
  EXPECT_EQ(module->manufacturer, "Samsung");
  EXPECT_EQ(module->part_number, "M393A4K40DB3-CWE");
  EXPECT_FALSE(ParseSmbiosMemory(Frozen("/sys/firmware/dmi/entries/17-1/raw")));
  EXPECT_FALSE(ParseSmbiosMemory(Frozen("/sys/firmware/dmi/entries/1-0/raw")));
}

TEST(SmbiosMemory, LargeOnesUseTheExtendedSize) {
  const auto module = ParseSmbiosMemory(Frozen("/sys/firmware/dmi/entries/17-2/raw"));
  ASSERT_TRUE(module);
  EXPECT_EQ(module->size_bytes, 64ull << 30);
  EXPECT_EQ(module->megatransfers, 3200u);
}

TEST(SmbiosMemory, EveryTruncationAndEveryFlippedOctetIsSurvived) {
  const std::string whole = Frozen("/sys/firmware/dmi/entries/17-0/raw");
  for (std::size_t length = 0; length < whole.size(); ++length)
    ParseSmbiosMemory(whole.substr(0, length));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(~flipped[at]);
    ParseSmbiosMemory(flipped);
  }
}

TEST(Passwd, WhoMayLogInAndWhoMayDoEverything) {
  const auto users = ParsePasswd(Frozen("/etc/passwd"), Frozen("/etc/group"));
  ASSERT_EQ(users.size(), 6u);
  EXPECT_EQ(users[0].name, "root");
  EXPECT_TRUE(users[0].administrator);
  EXPECT_FALSE(users[1].can_login);
  EXPECT_FALSE(users[2].can_login);
  EXPECT_EQ(users[3].name, "ada");
  EXPECT_TRUE(users[3].administrator) << "a member of sudo";
  EXPECT_EQ(users[4].name, "bob");
  EXPECT_TRUE(users[4].administrator) << "sudo is his first group";
  EXPECT_FALSE(users[5].administrator);
  EXPECT_TRUE(ParsePasswd("", "").empty());
}

TEST(Passwd, OneOfThemWithItsGroups) {
  constexpr char kPasswd[] =
      "root:x:0:0:root:/:/bin/bash\nada:x:1000:1000::/srv/ada:/bin/sh\n"
      "broken:x:1:\nlarge:x:4294967296:1::/:/bin/sh\n";
  constexpr char kGroup[] = "root:x:0:\nsudo:x:27:bob,ada\nada:x:1000:ada\nadams:x:50:adamada\n";
  const auto ada = FindInPasswd(kPasswd, kGroup, "ada");
  ASSERT_TRUE(ada);
  EXPECT_EQ(ada->uid, 1000u);
  EXPECT_EQ(ada->gid, 1000u);
  EXPECT_EQ(ada->home, "/srv/ada");
  EXPECT_EQ(ada->shell, "/bin/sh");
  EXPECT_THAT(ada->groups, ElementsAre(1000u, 27u));
  EXPECT_THAT(FindInPasswd(kPasswd, kGroup, "root")->groups, ElementsAre(0u));
  for (const char* name : {"", "broken", "large", "nobody", "ad", "x"})
    EXPECT_FALSE(FindInPasswd(kPasswd, kGroup, name)) << name;
}

TEST(PodmanList, WhatRunsAndWhatDoesNot) {
  const auto list = ParsePodmanList(Frozen("/podman.json"));
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].id, "217ff54b36e9");
  EXPECT_EQ((*list)[0].name, "door");
  EXPECT_EQ((*list)[0].image, "registry.branch.example/till:1");
  EXPECT_TRUE((*list)[0].running);
  EXPECT_EQ((*list)[1].name, "till");
  EXPECT_FALSE((*list)[1].running);
}

TEST(PodmanList, NonsenseIsNoList) {
  EXPECT_TRUE(ParsePodmanList("[]")->empty());
  EXPECT_TRUE(ParsePodmanList(R"([7, {"Id": 7}, {"Names": []}])")->empty());
  EXPECT_EQ(ParsePodmanList(R"([{"Id": "a", "Names": [3]}])")->front().name, "");
  for (const char* wrong : {"", "{}", "[", "Error: no such runtime"})
    EXPECT_TRUE(absl::IsInvalidArgument(ParsePodmanList(wrong).status())) << wrong;
  const std::string whole = Frozen("/podman.json");
  for (std::size_t length = 0; length < whole.size(); ++length)
    static_cast<void>(ParsePodmanList(whole.substr(0, length)));
}

TEST(AptSimulation, InstallationsAreUpdates) {
  const auto updates = ParseAptSimulation(Frozen("/updates.txt"));
  ASSERT_EQ(updates.size(), 4u);
  EXPECT_EQ(updates[0].name, "libcurl4");
  EXPECT_EQ(updates[0].installed, "7.88.1-10+deb12u7");
  EXPECT_EQ(updates[0].candidate, "7.88.1-10+deb12u8");
  EXPECT_TRUE(updates[0].security);
  EXPECT_EQ(updates[2].installed, "") << "new with the update";
  EXPECT_FALSE(updates[3].security);
}

TEST(RpmList, KeysAreNoPackages) {
  const auto packages = ParseRpmList(
      "zlib\t1.2.13-5.fc40\tx86_64\ngpg-pubkey\t1-2\t(none)\nbash\t5.2-1\tx86_64\nno "
      "tabs\nglibc\t2:2.39-1\n"
      "filesystem\t3.18-8\t(none)\n");
  ASSERT_EQ(packages.size(), 3u);
  EXPECT_EQ(packages[0].name, "bash");
  EXPECT_EQ(packages[1].architecture, "");
  EXPECT_EQ(packages[2].version, "1.2.13-5.fc40");
}

TEST(DockerConfig, NameImageAndStateAndNothingElse) {
  const auto container =
      ParseDockerConfig(Frozen("/var/lib/docker/containers/4f1d8c2ab9e07c55a1/config.v2.json"));
  ASSERT_TRUE(container);
  EXPECT_EQ(container->id, "4f1d8c2ab9e0");
  EXPECT_EQ(container->name, "registry");
  EXPECT_EQ(container->image, "registry:2");
  EXPECT_TRUE(container->running);
  for (const char* text : {"", "[]", "{", "{}", R"({"ID":7})"})
    EXPECT_FALSE(ParseDockerConfig(text)) << text;
}

SmartHealth Smart(const std::string& name) {
  const auto health = ParseSmartReport({"/dev/" + name, "sat"}, Frozen("/smart/" + name + ".json"));
  EXPECT_TRUE(health.ok()) << health.status();
  return health.value_or(SmartHealth());
}

TEST(Smart, AScanNamesDevicesAndNoOptions) {
  const auto devices = ParseSmartScan(Frozen("/smart/scan.json"));
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 4u);
  EXPECT_EQ((*devices)[1].type, "megaraid,1");
  EXPECT_FALSE(ParseSmartScan("smartctl: not found").ok());
}

TEST(Smart, HealthyWornAndAboutToFail) {
  const auto good = Smart("sda");
  EXPECT_EQ(good.health, "passed");
  EXPECT_EQ(good.wear_percent, 7u);
  EXPECT_EQ(good.celsius, 31u);
  EXPECT_FALSE(good.at_risk);
  const auto old = Smart("sdb");
  EXPECT_EQ(old.health, "passed") << "its own verdict comes too late";
  EXPECT_TRUE(old.at_risk);
  EXPECT_EQ(old.reasons.size(), 4u);
  EXPECT_EQ(old.reallocated_sectors, 24u);
  const auto nvme = Smart("nvme0");
  EXPECT_EQ(nvme.health, "failed");
  EXPECT_EQ(nvme.wear_percent, 104u);
  EXPECT_EQ(nvme.reasons.size(), 5u);
}

TEST(Smart, ADiskThatSleepsIsLeftAsleep) {
  const auto sleeping = Smart("sdc");
  EXPECT_EQ(sleeping.health, "standby");
  EXPECT_FALSE(sleeping.at_risk);
}

TEST(Smart, EveryTruncationIsRefused) {
  const std::string whole = Frozen("/smart/nvme0.json");
  for (std::size_t length = 0; length + 2 < whole.size(); ++length)
    EXPECT_FALSE(ParseSmartReport({"/dev/x", "nvme"}, whole.substr(0, length)).ok()) << length;
  for (const char* text : {"{}", "[]", R"({"smartctl":1,"smart_status":{"passed":"x"}})"})
    static_cast<void>(ParseSmartReport({"/dev/x", "nvme"}, text));
}

class Parts : public ::testing::Test {
 protected:
  static std::string Json(const char* hardware, const char* software, int uptime) {
    return std::string(R"({"collectedAt":"t","hardware":{"a":")") + hardware +
           R"("},"software":{"b":")" + software + R"("},"os":{"uptimeSeconds":)" +
           std::to_string(uptime) + "}}";
  }

  static std::optional<InventoryReport> Report(const ToldInventory& known,
                                               const char* hardware,
                                               const char* software,
                                               bool all = false,
                                               std::uint64_t thinned = 0,
                                               const std::string& recipient = "r") {
    return ReportOfChanges(Json(hardware, software, 77), Json(hardware, software, 0), known,
                           recipient, thinned, all);
  }
};

TEST_F(Parts, OnlyWhatHasChangedIsSent) {
  const auto first = Report({}, "x", "y");
  ASSERT_TRUE(first);
  EXPECT_EQ(
      first->body_json,
      R"({"collectedAt":"t","full":true,"hardware":{"a":"x"},"software":{"b":"y"},"os":{"uptimeSeconds":77}})");
  EXPECT_FALSE(Report(first->told, "x", "y"));
  const auto changed = Report(first->told, "x", "z");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->body_json, R"({"collectedAt":"t","full":false,"software":{"b":"z"}})");
  EXPECT_FALSE(Report(changed->told, "x", "z"));
}

TEST_F(Parts, AllOfItForAnotherRecipientAfterAThinningAndOnDemand) {
  const auto told = Report({}, "x", "y")->told;
  EXPECT_TRUE(Report(told, "x", "y", true));
  EXPECT_TRUE(Report(told, "x", "y", false, 1));
  EXPECT_TRUE(Report(told, "x", "y", false, 0, "another"));
  EXPECT_EQ(DecodeTold(EncodeTold(told)), told);
  EXPECT_EQ(DecodeTold("nonsense"), ToldInventory());
  EXPECT_EQ(DecodeTold(R"({"recipient":1,"thinned":"x","digests":[]})"), ToldInventory());
}

}  // namespace
}  // namespace tentacle::agent
