// Whole machines: frozen files in, the JSON of the wire out; and what is sent upward when.
#include "services/agent/collectors.h"

#include <filesystem>
#include <memory>
#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "libs/runtime/clock.h"
#include "libs/runtime/health.h"
#include "libs/runtime/log.h"
#include "services/agent/core/inventory_json.h"
#include "services/agent/host_reporter.h"
#include "services/agent/limits.h"
#include "tests/unit/agent/agent_bench.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MachineRoot;
using ::testing::Not;

HostSources FrozenSources(const std::string& root) {
  HostSources sources;
  sources.root = root;
  sources.machine = "aarch64";
  sources.addresses = []() -> absl::StatusOr<std::vector<net::InterfaceAddress>> {
    net::InterfaceAddress bridge;
    bridge.name = "br0";
    bridge.address = 0x0A0A1414;
    bridge.prefix_length = 24;
    net::InterfaceAddress pi;
    pi.name = "eth0";
    pi.address = 0xC0A83217;
    pi.prefix_length = 24;
    return std::vector{bridge, pi};
  };
  sources.disk_space = [](const std::string&) -> absl::StatusOr<DiskSpace> {
    return DiskSpace{1000, 250};
  };
  sources.list_units = {"/bin/cat", root + "/units.json"};
  sources.list_rpms = {"/bin/cat", root + "/rpms.txt"};
  sources.simulate_upgrade = {"/bin/cat", root + "/updates.txt"};
  sources.list_podman = {"/bin/cat", root + "/podman.json"};
  // Prints what smartctl printed for those arguments on that machine, or fails as if it were not
  // there.
  sources.smartctl = {root + "/smartctl"};
  sources.clock_synchronized = [] { return true; };
  return sources;
}

// One value a line, so that a change of the shape can be read in a diff.
std::string Lines(const boost::json::value& value, const std::string& name = "") {
  std::string text;
  if (const auto* object = value.if_object()) {
    for (const auto& field : *object)
      text += Lines(field.value(), name + "/" + std::string(field.key()));
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i)
      text += Lines((*array)[i], name + "/" + std::to_string(i));
  } else {
    text = name + " " + boost::json::serialize(value) + "\n";
  }
  return text;
}

class CollectorsTest : public ::testing::Test {
 protected:
  Collectors Make(HostSources sources) {
    return {loop_.home(), loop_.pool(), std::move(sources), metrics_, log_};
  }

  testing::TestLoop loop_;
  prometheus::Registry registry_;
  std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>(registry_);
  runtime::Log log_{"agent", runtime::LogLevel::kError};
};

class FrozenMachineTest : public CollectorsTest,
                          public ::testing::WithParamInterface<std::string> {};

TEST_P(FrozenMachineTest, Inventory) {
  auto collectors = Make(FrozenSources(MachineRoot(GetParam())));
  const auto collected = loop_.Run(collectors.CollectInventory());
  EXPECT_THAT(collected.failed, IsEmpty());
  auto json = InventoryJson(collected.inventory, absl::FromUnixMillis(1700000000000),
                            limits::kMaxInventoryBytes);
  // A reason names the tool's path: where this tree lies is not the machine's.
  const std::string root = MachineRoot(GetParam());
  for (auto at = json.find(root); at != std::string::npos; at = json.find(root, at))
    json.erase(at, root.size());
  testing::ExpectGolden(tentacle::testing::DataDir() + "/rootfs/" + GetParam() + ".inventory.txt",
                        Lines(boost::json::parse(json)));
}

INSTANTIATE_TEST_SUITE_P(Machines,
                         FrozenMachineTest,
                         ::testing::Values("x86-server", "raspberry-pi"),
                         [](const auto& machine) {
                           return machine.param == "x86-server" ? "Server" : "Pi";
                         });

TEST_F(CollectorsTest, ReadingOfAFrozenMachine) {
  auto collectors = Make(FrozenSources(MachineRoot("x86-server")));
  const auto reading = loop_.Run(collectors.Read());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->rx_bytes, 4402217733101u);  // eno1 and eno2; not the bridge over them.
  EXPECT_DOUBLE_EQ(reading->load1, 2.41);
  EXPECT_EQ(reading->disk_total_bytes, 1000u);
}

TEST_F(CollectorsTest, MachineWithoutAnything) {
  TempDir empty;
  auto sources = FrozenSources(empty / "");
  sources.addresses = [] {
    return absl::StatusOr<std::vector<net::InterfaceAddress>>(absl::InternalError("no"));
  };
  sources.disk_space = [](const std::string&) {
    return absl::StatusOr<DiskSpace>(absl::InternalError("no"));
  };
  auto collectors = Make(sources);
  const auto collected = loop_.Run(collectors.CollectInventory());
  EXPECT_THAT(collected.failed, ::testing::ElementsAre("interfaces"));
  EXPECT_EQ(collected.inventory.units_reason, "systemd does not run here");
  EXPECT_EQ(collected.inventory.packages_reason, "this system has no dpkg");
  EXPECT_FALSE(loop_.Run(collectors.Read()).ok());
}

TEST_F(CollectorsTest, BrokenFilesAreNamedAndTheRestIsThere) {
  TempDir copy;
  std::filesystem::copy(
      MachineRoot("x86-server"), copy / "root",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  for (const char* path : {"/proc/cpuinfo", "/etc/os-release", "/var/lib/dpkg/status"}) {
    std::ofstream(copy / (std::string("root") + path)) << "\xff\xfe nonsense";
  }
  auto sources = FrozenSources(copy / "root");
  sources.list_units = {"/bin/sh", "-c", "echo '[{'"};
  auto collectors = Make(sources);
  const auto collected = loop_.Run(collectors.CollectInventory());
  EXPECT_THAT(collected.failed, ::testing::ElementsAre("cpu", "os", "packages", "units"));
  EXPECT_EQ(collected.inventory.memory_bytes, 65701584ull * 1024);
  EXPECT_EQ(collected.inventory.system.product, "PowerEdge R440");
  EXPECT_EQ(collected.inventory.os.kernel, "6.1.0-26-amd64");
}

TEST_F(CollectorsTest, SystemctlThatFails) {
  auto sources = FrozenSources(MachineRoot("x86-server"));
  sources.list_units = {"/bin/sh", "-c", "exit 3"};
  auto failing = Make(sources);
  EXPECT_THAT(loop_.Run(failing.CollectInventory()).inventory.units_reason,
              HasSubstr("exit code 3"));
  sources.list_units = {"/no/such/systemctl"};
  auto missing = Make(sources);
  EXPECT_THAT(loop_.Run(missing.CollectInventory()).inventory.units_reason,
              HasSubstr("/no/such/systemctl"));
}

TEST_F(CollectorsTest, SmartctlThatIsMissingHangsOrFailsCostsNothingElse) {
  auto sources = FrozenSources(MachineRoot("x86-server"));
  sources.smartctl = {"/no/such/smartctl"};
  auto missing = Make(sources);
  auto collected = loop_.Run(missing.CollectInventory());
  EXPECT_THAT(collected.failed, IsEmpty()) << "it is simply not there";
  EXPECT_THAT(collected.inventory.details.smart_reason, HasSubstr("/no/such/smartctl"));
  sources.smartctl = {"/bin/sh", "-c", "echo '{\"devices\": 7'"};
  auto failing = Make(sources);
  collected = loop_.Run(failing.CollectInventory());
  EXPECT_THAT(collected.failed, ::testing::ElementsAre("smart"));
  EXPECT_FALSE(collected.inventory.packages.empty());
}

TEST_F(CollectorsTest, ThisVeryHost) {
  auto collectors = Make(RealSources(std::make_shared<const HostSpace>()));
  const auto collected = loop_.Run(collectors.CollectInventory());
  EXPECT_GT(collected.inventory.cpu.threads, 0u);
  EXPECT_GT(collected.inventory.memory_bytes, 0u);
  EXPECT_FALSE(collected.inventory.os.kernel.empty());
  EXPECT_FALSE(collected.inventory.os.architecture.empty());
  const auto reading = loop_.Run(collectors.Read());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_GT(reading->disk_total_bytes, 0u);
}

class HostReporterTest : public CollectorsTest {
 protected:
  void TearDown() override { loop_.Finish(); }

  std::shared_ptr<HostReporter> Reporter(HostReporter::Settings settings) {
    auto reporter =
        std::make_shared<HostReporter>(loop_.home(), loop_.pool(), clock_, log_, metrics_, health_,
                                       store_, events_, FrozenSources(MachineRoot("x86-server")));
    reporter->Configure(std::move(settings));
    reporter->Start();
    return reporter;
  }

  std::string Scrape() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  runtime::RealClock clock_;
  runtime::Health health_;
  testing::MemoryStore store_;
  testing::MemoryEvents events_{loop_.home()};
};

HostReporter::Settings For(const std::string& recipient) {
  HostReporter::Settings settings;
  settings.recipient = recipient;
  return settings;
}

TEST_F(HostReporterTest, InventoryIsSentAtTheStartAndAgainOnlyToSomebodyElse) {
  const auto reporter = Reporter(For("first"));
  const auto sent = loop_.Run(events_.Nth("inventory", 1));
  EXPECT_TRUE(sent.contains("collectedAt"));
  EXPECT_EQ(events_.all[0].priority(), event::v1::PRIORITY_INVENTORY);
  EXPECT_TRUE(health_.conditions().at("collectors").ok);
  reporter->Configure(For("first"));
  reporter->Configure(For("second"));
  loop_.Run(events_.Nth("inventory", 2));
  reporter->Stop();

  // After a restart the store still knows what was sent, and to whom.
  const auto again = Reporter(For("second"));
  again->Configure(For("second"));
  ASSERT_TRUE(loop_.Run(again->InventoryNow()).ok());
  again->Configure(For("third"));
  loop_.Run(events_.Nth("inventory", 3));
  EXPECT_EQ(events_.Count("inventory"), 3u);
  again->Stop();
}

TEST_F(HostReporterTest, ASnapshotIsAllOfItOnDemand) {
  const auto reporter = Reporter(For("backend"));
  const auto first = loop_.Run(events_.Nth("inventory", 1));
  EXPECT_TRUE(first.at("full").as_bool());
  reporter->SendSnapshot();
  const auto second = loop_.Run(events_.Nth("inventory", 2));
  EXPECT_TRUE(second.at("full").as_bool());
  EXPECT_TRUE(second.contains("software"));
  reporter->Stop();
}

TEST_F(HostReporterTest, InventoryThatFoundNoRoomIsSentTheNextTime) {
  events_.refusals = 1;
  auto settings = For("backend");
  settings.inventory_interval = absl::Milliseconds(1);
  const auto reporter = Reporter(settings);
  loop_.Run(events_.Nth("inventory", 1));
  reporter->Stop();
  EXPECT_THAT(Scrape(),
              HasSubstr("tentacle_agent_reports_total{kind=\"inventory\",outcome=\"failed\"} 1"));
}

TEST_F(HostReporterTest, SamplesComeAtTheIntervalAndAreShown) {
  auto settings = For("backend");
  settings.metrics_interval = absl::Milliseconds(1);  // Raised to the shortest that is allowed.
  const auto reporter = Reporter(settings);
  const auto sample = loop_.Run(events_.Nth("metrics", 1));
  reporter->Stop();
  EXPECT_DOUBLE_EQ(sample.at("load1").to_number<double>(), 2.41);
  EXPECT_DOUBLE_EQ(sample.at("diskPercent").to_number<double>(), 75.0);
  EXPECT_THAT(Scrape(), AllOf(HasSubstr("tentacle_agent_host_load1 2.41"),
                              HasSubstr("tentacle_agent_host_disk_size_bytes 1000")));
}

TEST_F(HostReporterTest, SwitchedOffSendsNothingUntilSwitchedOn) {
  auto settings = For("backend");
  settings.enabled = false;
  const auto reporter = Reporter(settings);
  ASSERT_TRUE(loop_.Run(reporter->InventoryNow()).ok());
  EXPECT_THAT(events_.all, IsEmpty());
  reporter->Configure(For("backend"));
  loop_.Run(events_.Nth("inventory", 1));
  reporter->Stop();
}

TEST_F(HostReporterTest, MetricsOnRequest) {
  const auto reporter = Reporter(For("backend"));
  const auto json = loop_.Run(reporter->MetricsNow());
  ASSERT_TRUE(json.ok());
  EXPECT_THAT(*json, HasSubstr("\"networkRxBytes\":4402217733101"));
  reporter->Stop();
}

}  // namespace
}  // namespace tentacle::agent
