// The host under node_exporter's names: from files to the text that Prometheus reads.
#include "services/agent/host_exporter.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "tests/unit/agent/agent_bench.h"

namespace tentacle::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::string_literals;  // NOLINT(google-build-using-namespace)

const std::string kNetDevHead =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop\n";

class HostExporterTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& content) {
    const std::filesystem::path file(folder_.path() + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }

  // The address is of another mount than the root, so that the path is known to matter.
  HostSources Sources() {
    HostSources sources;
    sources.root = folder_.path();
    sources.disk_space = [this](const std::string& path) -> absl::StatusOr<DiskSpace> {
      if (path == folder_.path() + "/srv") return DiskSpace{4000, 1000};
      if (path == folder_.path() + "/gone") return absl::NotFoundError("not mounted any more");
      return DiskSpace{2000, 500};
    };
    sources.clock_synchronized = [] { return true; };
    return sources;
  }

  std::string Scrape() {
    exporter_.Refresh();
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

  TempDir folder_;
  prometheus::Registry registry_;
  HostExporter exporter_{registry_, Sources()};
};

TEST_F(HostExporterTest, ProcessorsLoadAndTime) {
  Write("/proc/stat",
        "cpu  300 0 100 5000 20 0 4 0 0 0\n"
        "cpu0 100 1 50 2500 10 0 2 0 0 0\n"
        "cpu1 200 0 50 2500 10 0 2 0 0 0\n"
        "btime 1790000000\n");
  Write("/proc/loadavg", "0.25 0.50 1.75 2/345 6789\n");
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("node_cpu_seconds_total{cpu=\"0\",mode=\"nice\"} 0.01\n"));
  EXPECT_THAT(text, HasSubstr("node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"} 25\n"));
  EXPECT_THAT(text, HasSubstr("node_boot_time_seconds 1790000000\n"));
  EXPECT_THAT(text, HasSubstr("node_load1 0.25\n"));
  EXPECT_THAT(text, HasSubstr("node_load5 0.5\n"));
  EXPECT_THAT(text, HasSubstr("node_load15 1.75\n"));
  EXPECT_THAT(text, HasSubstr("node_timex_sync_status 1\n"));
}

TEST_F(HostExporterTest, Memory) {
  Write("/proc/meminfo",
        "MemTotal:       16000 kB\nMemAvailable:    4000 kB\nActive(anon):      10 kB\n"
        "HugePages_Total:       3\n");
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("node_memory_MemTotal_bytes 16384000\n"));
  EXPECT_THAT(text, HasSubstr("node_memory_MemAvailable_bytes 4096000\n"));
  EXPECT_THAT(text, HasSubstr("node_memory_Active_anon_bytes 10240\n"));
  EXPECT_THAT(text, HasSubstr("node_memory_HugePages_Total 3\n"));
}

TEST_F(HostExporterTest, DisksAndNetwork) {
  Write("/proc/diskstats", "   8       0 sda 11 0 22 33 44 0 55 66 0 7000 88 0 0 0 0 0 0\n");
  Write("/proc/net/dev", kNetDevHead + "  eno1: 1234 5 0 0 0 0 0 0 6789 10 0 0 0 0 0 0\n");
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("node_disk_reads_completed_total{device=\"sda\"} 11\n"));
  EXPECT_THAT(text, HasSubstr("node_disk_read_bytes_total{device=\"sda\"} 11264\n"));
  EXPECT_THAT(text, HasSubstr("node_disk_writes_completed_total{device=\"sda\"} 44\n"));
  EXPECT_THAT(text, HasSubstr("node_disk_written_bytes_total{device=\"sda\"} 28160\n"));
  EXPECT_THAT(text, HasSubstr("node_disk_io_time_seconds_total{device=\"sda\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("node_network_receive_bytes_total{device=\"eno1\"} 1234\n"));
  EXPECT_THAT(text, HasSubstr("node_network_transmit_bytes_total{device=\"eno1\"} 6789\n"));
}

TEST_F(HostExporterTest, FileSystemsThatAreThere) {
  Write("/proc/mounts",
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /srv xfs rw 0 0\n/dev/sdc1 /gone ext4 rw 0 0\n"
        "proc /proc proc rw 0 0\n");
  const std::string text = Scrape();
  EXPECT_THAT(text, HasSubstr("node_filesystem_size_bytes{device=\"/dev/sdb1\",fstype=\"xfs\","
                              "mountpoint=\"/srv\"} 4000\n"));
  EXPECT_THAT(text, HasSubstr("node_filesystem_avail_bytes{device=\"/dev/sda1\",fstype=\"ext4\","
                              "mountpoint=\"/\"} 500\n"));
  EXPECT_THAT(text, Not(HasSubstr("/gone")));
  EXPECT_THAT(text, Not(HasSubstr("proc\"")));
}

TEST_F(HostExporterTest, TemperaturesAndPressure) {
  Write("/sys/class/hwmon/hwmon0/name", "coretemp\n");
  Write("/sys/class/hwmon/hwmon0/temp1_input", "48500\n");
  Write("/sys/class/hwmon/hwmon0/temp1_crit", "100000\n");
  Write("/sys/class/hwmon/hwmon1/temp2_input", "-1500 is cut\n");
  Write("/proc/pressure/cpu", "some avg10=1.00 avg60=0.00 avg300=0.00 total=2500000\n");
  Write("/proc/pressure/io",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=4000000\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n");
  const std::string text = Scrape();
  EXPECT_THAT(text,
              HasSubstr("node_hwmon_temp_celsius{chip=\"coretemp\",sensor=\"temp1\"} 48.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("temp2"))) << "no number";
  EXPECT_THAT(text, HasSubstr("node_pressure_cpu_waiting_seconds_total 2.5\n"));
  EXPECT_THAT(text, HasSubstr("node_pressure_io_waiting_seconds_total 4\n"));
  EXPECT_THAT(text, HasSubstr("node_pressure_io_stalled_seconds_total 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("node_pressure_memory"))) << "a kernel without it";
}

TEST_F(HostExporterTest, ACounterThatBeganAnewWaitsUntilItIsPassed) {
  const auto received = [this](const std::string& bytes) {
    Write("/proc/net/dev", kNetDevHead + "  eno1: " + bytes + " 5 0 0 0 0 0 0 1 10 0 0 0 0 0 0\n");
    const std::string text = Scrape();
    const std::string name = "node_network_receive_bytes_total{device=\"eno1\"} ";
    const auto at = text.find(name) + name.size();
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(received("1000"), "1000");
  EXPECT_EQ(received("10"), "1000") << "Prometheus would take a smaller one for a restart";
  EXPECT_EQ(received("1500"), "1500");
}

TEST_F(HostExporterTest, AHostThatShowsNothingIsNoFailure) {
  const std::string text = Scrape();
  EXPECT_THAT(text, Not(HasSubstr("node_cpu_seconds_total")));
  EXPECT_THAT(text, HasSubstr("node_timex_sync_status 1\n"));
}

TEST_F(HostExporterTest, NonsenseIsLeftOut) {
  for (const char* path : {"/proc/stat", "/proc/loadavg", "/proc/meminfo", "/proc/diskstats",
                           "/proc/net/dev", "/proc/mounts", "/proc/pressure/io"})
    Write(path, "\0\xff: not\na number at all -1 999999999999999999999999\nna-me: 5 kB\n"s);
  const std::string text = Scrape();
  EXPECT_THAT(text, Not(HasSubstr("node_disk")));
  EXPECT_THAT(text, Not(HasSubstr("node_network")));
  EXPECT_THAT(text, Not(HasSubstr("node_filesystem")));
  EXPECT_THAT(text, Not(HasSubstr("node_memory")));
}

}  // namespace
}  // namespace tentacle::agent
