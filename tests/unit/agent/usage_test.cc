// Two readings -> figures; the host as JSON.
#include "services/agent/core/usage.h"

#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/interface_kind.h"
#include "services/agent/core/inventory_json.h"
#include "services/agent/core/metrics_json.h"
#include "services/agent/core/parse_net_dev.h"
#include "services/agent/limits.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

namespace json = boost::json;

TEST(CpuPercent, ShareOfBusyTicks) {
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {175, 300}), 25.0);
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {100, 300}), 100.0);
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {200, 300}), 0.0);
}

TEST(CpuPercent, NoTickPassedOrCountersWentBack) {
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {100, 200}), 0.0);
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {1, 2}), 0.0);
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {90, 210}), 100.0);
  EXPECT_DOUBLE_EQ(CpuPercent({100, 200}, {500, 210}), 0.0);
}

TEST(ComputeUsage, AllFigures) {
  HostReading reading;
  reading.cpu = {150, 300};
  reading.memory = {1000, 250};
  reading.load1 = 1.5;
  reading.disk_total_bytes = 400;
  reading.disk_free_bytes = 100;
  reading.rx_bytes = 7;
  reading.tx_bytes = 8;
  const auto sample = ComputeUsage({100, 200}, reading);
  EXPECT_DOUBLE_EQ(sample.cpu_percent, 50.0);
  EXPECT_DOUBLE_EQ(sample.memory_percent, 75.0);
  EXPECT_DOUBLE_EQ(sample.disk_percent, 75.0);
  EXPECT_DOUBLE_EQ(sample.load1, 1.5);
  EXPECT_EQ(sample.network_rx_bytes, 7u);
  EXPECT_EQ(sample.network_tx_bytes, 8u);
}

TEST(ComputeUsage, NothingKnownIsZero) {
  const auto sample = ComputeUsage({}, {});
  EXPECT_DOUBLE_EQ(sample.memory_percent, 0.0);
  EXPECT_DOUBLE_EQ(sample.disk_percent, 0.0);
}

TEST(AddTraffic, BridgesAndTheirMembersAreNotCountedTwice) {
  const auto interfaces = ParseNetDev(testing::Frozen("x86-server", "/proc/net/dev")).value();
  EXPECT_EQ(AddTraffic(interfaces, {"eno1", "eno2"}).rx_bytes, 4402217733101u);
  const auto container = AddTraffic({{"lo", 5, 5}, {"eth0", 10, 20}, {"eth1", 1, 2}}, {});
  EXPECT_EQ(container.rx_bytes, 11u);
  EXPECT_EQ(container.tx_bytes, 22u);
}

TEST(InterfaceKind, LoopbackAndContainerLinksAreNotListed) {
  EXPECT_FALSE(IsListedInterface("lo"));
  EXPECT_FALSE(IsListedInterface("veth12ab"));
  EXPECT_TRUE(IsListedInterface("eno1"));
  EXPECT_TRUE(IsListedInterface("br0"));
}

TEST(MetricsJson, HasTheFieldsOfTheWire) {
  MetricsSample sample;
  sample.cpu_percent = 12.345678;
  sample.load1 = 0.5;
  sample.network_rx_bytes = 4402217733101u;
  const auto value =
      json::parse(MetricsJson(sample, absl::FromUnixMillis(1700000000123))).as_object();
  EXPECT_EQ(value.at("time").as_string(), "2023-11-14T22:13:20.123Z");
  EXPECT_DOUBLE_EQ(value.at("cpuPercent").as_double(), 12.35);
  EXPECT_EQ(value.at("networkRxBytes").to_number<std::uint64_t>(), 4402217733101u);
  EXPECT_EQ(value.size(), 13u);
}

Inventory Huge() {
  Inventory host;
  for (int i = 0; i < 20'000; ++i) {
    const std::string number = std::to_string(100'000 + i);
    host.packages.push_back(
        {"package-with-a-long-name-" + number, "1.2.3-4+deb12u" + number, "amd64"});
  }
  host.units.push_back({"ssh.service", "active", "running"});
  return host;
}

TEST(InventoryJson, PackagesAreCutWhereTheMessageEnds) {
  const auto text = InventoryJson(Huge(), absl::UnixEpoch(), limits::kMaxInventoryBytes);
  EXPECT_LE(text.size(), limits::kMaxInventoryBytes);
  EXPECT_GT(text.size(), limits::kMaxInventoryBytes * 9 / 10);
  const auto value = json::parse(text).as_object();
  const auto& software = value.at("software").as_object();
  EXPECT_TRUE(software.at("truncated").as_bool());
  EXPECT_EQ(software.at("count").to_number<int>(), 20'000);
  EXPECT_LT(software.at("packages").as_array().size(), 20'000u);
  EXPECT_FALSE(value.at("services").as_object().at("truncated").as_bool());
}

TEST(InventoryJson, EveryListOverlongStillFits) {
  Inventory host = Huge();
  const std::string wide(limits::kMaxFieldBytes, '\x01');  // Six octets each when escaped.
  for (std::size_t i = 0; i < limits::kMaxDevices; ++i) {
    host.disks.push_back({wide, wide, wide});
    host.interfaces.push_back({wide, wide, {wide, wide}, true});
    host.units.push_back({wide, wide, wide});
    host.file_systems.push_back({wide, wide, wide});
  }
  host.cpu.model = wide;
  host.system = {wide, wide, wide, wide};
  host.os = {wide, wide, wide, wide, wide};
  host.default_gateway = wide;
  for (int i = 0; i < 16; ++i)
    host.dns.push_back(wide);
  host.virtualization = wide;
  host.units_reason = wide;
  const auto text = InventoryJson(host, absl::UnixEpoch(), limits::kMaxInventoryBytes);
  EXPECT_LE(text.size(), limits::kMaxInventoryBytes);
  const auto value = json::parse(text).as_object();
  EXPECT_TRUE(value.at("hardware").as_object().at("truncated").as_bool());
  EXPECT_TRUE(value.at("services").as_object().at("truncated").as_bool());
}

TEST(StableInventoryJson, UptimeIsNoChangeAndAPackageIs) {
  Inventory host;
  host.os.uptime_seconds = 1;
  const auto before = StableInventoryJson(host, limits::kMaxInventoryBytes);
  host.os.uptime_seconds = 2;
  EXPECT_EQ(StableInventoryJson(host, limits::kMaxInventoryBytes), before);
  host.packages.push_back({"a", "1", "amd64"});
  EXPECT_NE(StableInventoryJson(host, limits::kMaxInventoryBytes), before);
}

}  // namespace
}  // namespace tentacle::agent
