// Sources below /proc on the text of two machines, and on what no machine should print.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/parse_cpuinfo.h"
#include "services/agent/core/parse_loadavg.h"
#include "services/agent/core/parse_meminfo.h"
#include "services/agent/core/parse_mounts.h"
#include "services/agent/core/parse_net_dev.h"
#include "services/agent/core/parse_stat.h"
#include "services/agent/core/parse_uptime.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

using testing::Frozen;
using ::testing::IsEmpty;

constexpr char kServer[] = "x86-server";
constexpr char kPi[] = "raspberry-pi";

TEST(ParseCpuInfo, TwoSocketsWithHyperThreading) {
  const auto cpu = ParseCpuInfo(Frozen(kServer, "/proc/cpuinfo"));
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  EXPECT_EQ(cpu->model, "Intel(R) Xeon(R) Silver 4208 CPU @ 2.10GHz");
  EXPECT_EQ(cpu->cores, 8u);
  EXPECT_EQ(cpu->threads, 16u);
  EXPECT_FALSE(cpu->hypervisor);
}

TEST(ParseCpuInfo, ArmHasNumbersOnly) {
  const auto cpu = ParseCpuInfo(Frozen(kPi, "/proc/cpuinfo"));
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  EXPECT_EQ(cpu->model, "ARM Cortex-A72");
  EXPECT_EQ(cpu->cores, 4u);
  EXPECT_EQ(cpu->threads, 4u);
}

TEST(ParseCpuInfo, UnknownArmPartKeepsItsNumbers) {
  const auto cpu = ParseCpuInfo("processor : 0\nCPU implementer : 0x61\nCPU part : 0x022\n");
  ASSERT_TRUE(cpu.ok());
  EXPECT_EQ(cpu->model, "ARM implementer 0x61 part 0x022");
}

TEST(ParseCpuInfo, GuestHasTheHypervisorFlag) {
  const auto cpu =
      ParseCpuInfo("processor : 0\nmodel name : QEMU Virtual CPU\nflags : fpu hypervisor lm\n");
  ASSERT_TRUE(cpu.ok());
  EXPECT_TRUE(cpu->hypervisor);
}

TEST(ParseCpuInfo, EmptyAndBroken) {
  EXPECT_EQ(ParseCpuInfo("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(ParseCpuInfo("processor : many\nmodel name : X\n").ok());
  EXPECT_FALSE(ParseCpuInfo(std::string(100, '\0')).ok());
}

TEST(ParseMemInfo, Server) {
  const auto memory = ParseMemInfo(Frozen(kServer, "/proc/meminfo"));
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->total_bytes, 65701584ull * 1024);
  EXPECT_EQ(memory->available_bytes, 41872916ull * 1024);
}

TEST(ParseMemInfo, Pi) {
  const auto memory = ParseMemInfo(Frozen(kPi, "/proc/meminfo"));
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->total_bytes, 3884256ull * 1024);
}

TEST(ParseMemInfo, OldKernelWithoutMemAvailable) {
  const auto memory =
      ParseMemInfo("MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 20 kB\nCached: 30 kB\n");
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->available_bytes, 60ull * 1024);
}

TEST(ParseMemInfo, NeverMoreAvailableThanThereIs) {
  const auto memory = ParseMemInfo("MemTotal: 100 kB\nMemAvailable: 900 kB\n");
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->available_bytes, memory->total_bytes);
}

TEST(ParseMemInfo, EmptyAndBroken) {
  EXPECT_FALSE(ParseMemInfo("").ok());
  EXPECT_FALSE(ParseMemInfo("MemFree: 10 kB\n").ok());
  EXPECT_FALSE(ParseMemInfo("MemTotal: 18446744073709551615 kB\n").ok());
  EXPECT_FALSE(ParseMemInfo("MemTotal: -5 kB\n").ok());
  EXPECT_FALSE(ParseMemInfo("MemTotal:\n").ok());
}

TEST(ParseStat, WaitingForDisksIsIdleAndGuestsAreNotCountedTwice) {
  const auto times = ParseStat(Frozen(kServer, "/proc/stat"));
  ASSERT_TRUE(times.ok());
  EXPECT_EQ(times->idle, 2210847311ull + 1904410ull);
  EXPECT_EQ(times->total, 81250433ull + 120944 + 20114290 + 2210847311 + 1904410 + 0 + 922013 + 0);
}

TEST(ParseStat, Pi) {
  const auto times = ParseStat(Frozen(kPi, "/proc/stat"));
  ASSERT_TRUE(times.ok());
  EXPECT_EQ(times->total, 120331ull + 60122 + 14022331 + 20114 + 1204);
}

TEST(ParseStat, EmptyAndBroken) {
  EXPECT_FALSE(ParseStat("").ok());
  EXPECT_FALSE(ParseStat("cpu0 1 2 3 4 5 6 7 8\n").ok());
  EXPECT_FALSE(ParseStat("cpu 1 2 3\n").ok());
  EXPECT_FALSE(ParseStat("cpu 1 2 3 x 5 6 7 8\n").ok());
}

TEST(ParseLoadAvg, BothMachines) {
  EXPECT_DOUBLE_EQ(ParseLoadAvg(Frozen(kServer, "/proc/loadavg")).value(), 2.41);
  EXPECT_DOUBLE_EQ(ParseLoadAvg(Frozen(kPi, "/proc/loadavg")).value(), 0.08);
}

TEST(ParseLoadAvg, EmptyAndBroken) {
  for (const char* text : {"", "1.0", "nan 1 1", "inf 1 1", "-1 1 1", "1,0 1 1"}) {
    EXPECT_FALSE(ParseLoadAvg(text).ok()) << text;
  }
}

TEST(ParseUptime, BothMachines) {
  EXPECT_EQ(ParseUptime(Frozen(kServer, "/proc/uptime")).value(), 1446911u);
  EXPECT_EQ(ParseUptime(Frozen(kPi, "/proc/uptime")).value(), 35583u);
}

TEST(ParseUptime, EmptyAndBroken) {
  for (const char* text : {"", "x", "-1 2", "1e300 2"})
    EXPECT_FALSE(ParseUptime(text).ok()) << text;
}

TEST(ParseNetDev, Server) {
  const auto interfaces = ParseNetDev(Frozen(kServer, "/proc/net/dev"));
  ASSERT_TRUE(interfaces.ok());
  ASSERT_EQ(interfaces->size(), 5u);
  EXPECT_EQ((*interfaces)[1].name, "eno1");
  EXPECT_EQ((*interfaces)[1].rx_bytes, 4402217733101u);
  EXPECT_EQ((*interfaces)[1].tx_bytes, 1190233441220u);
}

TEST(ParseNetDev, NoSpaceBehindTheColonAndAnAlias) {
  const auto interfaces =
      ParseNetDev("Inter-| a\n face | b\neth0:1:12 0 0 0 0 0 0 0 34 0 0 0 0 0 0 0\n");
  ASSERT_TRUE(interfaces.ok());
  ASSERT_EQ(interfaces->size(), 1u);
  EXPECT_EQ((*interfaces)[0].name, "eth0:1");
  EXPECT_EQ((*interfaces)[0].rx_bytes, 12u);
  EXPECT_EQ((*interfaces)[0].tx_bytes, 34u);
}

TEST(ParseNetDev, EmptyAndBroken) {
  EXPECT_FALSE(ParseNetDev("").ok());
  EXPECT_FALSE(ParseNetDev("eth0: 1 2 3\n").ok());
  const auto cut =
      ParseNetDev("Inter-| a\n face | b\neth0: 1 2 3\nno colon\neth1: x 0 0 0 0 0 0 0 1\n");
  ASSERT_TRUE(cut.ok());
  EXPECT_THAT(*cut, IsEmpty());
}

TEST(ParseMounts, ServerNamesEachDeviceOnceAndNoContainersLayer) {
  const auto found = ParseMounts(Frozen(kServer, "/proc/mounts"));
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ((*found)[0].mount_point, "/");
  EXPECT_EQ((*found)[0].device, "/dev/mapper/vg0-root");
  EXPECT_EQ((*found)[1].type, "vfat");
  EXPECT_EQ((*found)[2].mount_point, "/srv/data pool");
}

TEST(ParseMounts, Pi) {
  const auto found = ParseMounts(Frozen(kPi, "/proc/mounts"));
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].device, "/dev/mmcblk0p2");
}

TEST(ParseMounts, ContainersRootIsItsStorage) {
  const auto found = ParseMounts("overlay / overlay rw,lowerdir=/x 0 0\nproc /proc proc rw 0 0\n");
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].mount_point, "/");
}

TEST(ParseMounts, EmptyAndBroken) {
  EXPECT_FALSE(ParseMounts("").ok());
  EXPECT_FALSE(ParseMounts("/dev/sda1 /\n").ok());
  const auto odd = ParseMounts("/dev/sda1 /a\\04 ext4 rw 0 0\n/dev/sda2 /b\\777 ext4 rw 0 0\n");
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ((*odd)[0].mount_point, "/a\\04");
  EXPECT_EQ((*odd)[1].mount_point, "/b\\777");
}

}  // namespace
}  // namespace tentacle::agent
