// What pxe reads and writes as text: names of boot files, the script, the orders, /proc/net/arp,
// event bodies.
#include <gtest/gtest.h>

#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/neighbour_table.h"
#include "services/pxe/core/orders.h"
#include "services/pxe/reports.h"
#include "tests/support/golden.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

TEST(BootFiles, NamesAsFirmwareWritesThem) {
  for (const char* name :
       {"ramdisk/vmlinuz", "/ramdisk/vmlinuz", "//ramdisk//vmlinuz", "\\ramdisk\\vmlinuz"}) {
    EXPECT_EQ(SafeBootPath(name), "ramdisk/vmlinuz") << name;
  }
  EXPECT_EQ(SafeBootPath("undionly.kpxe"), "undionly.kpxe");
}

TEST(BootFiles,
     RubbishBehindTheNameIsCutOff) {  // BIOS ROMs that do not end option 67 (field notes G33).
  EXPECT_EQ(SafeBootPath("undionly.kpxe\xff"), "undionly.kpxe");
  EXPECT_EQ(SafeBootPath("undionly.kpxe\xff\xff"), "undionly.kpxe");
}

TEST(BootFiles, NothingOutsideTheFolderIsEverNamed) {
  for (const char* name : {"..",
                           "../etc/passwd",
                           "/../etc/passwd",
                           "ramdisk/../../etc/passwd",
                           "ramdisk/..",
                           "..\\..\\etc\\passwd",
                           "ramdisk\\..\\..\\x",
                           "./x",
                           ".hidden",
                           "a/.hidden/b",
                           "...",
                           "",
                           "/",
                           "\\\\",
                           "a b",
                           "a\nb",
                           "a\x01",
                           "%2e%2e/etc/passwd",
                           "a\xc3\xa4",
                           "\xff",
                           "1/2/3/4/5/6/7/8/9"}) {
    EXPECT_FALSE(SafeBootPath(name).has_value()) << name;
  }
  EXPECT_FALSE(SafeBootPath(std::string_view("a\0b", 3)).has_value());
  EXPECT_FALSE(SafeBootPath(std::string(256, 'a')).has_value());
}

ImageFacts Image() {
  return {"http://192.168.10.2:9081/images/img-1",
          std::string(64, 'a'),
          1'000'000,
          4'000'000'000,
          "raw.zst",
          "debian-12"};
}

OrderContext Context() {
  return {"fedc", "http://192.168.10.2:9080/api/v1/provisioning/tasks/t1/events", Image()};
}

TEST(Orders, OfATaskThatSaysEverything) {
  task::v1::BootTask task = Task("t1");
  task.mutable_disk()->set_serial("WD-1234");
  task.mutable_disk()->set_path("/dev/vda");
  task.mutable_disk()->set_min_size_bytes(8'000'000'000);
  auto& network = *task.mutable_network();
  network.set_dhcp(false);
  network.set_address("192.168.10.50");
  network.set_prefix_length(24);
  network.set_gateway("192.168.10.1");
  network.add_dns_servers("192.168.10.1");
  network.add_dns_servers("9.9.9.9");
  task.add_ssh_keys("ssh-ed25519 AAAA ops@example");
  task.add_ssh_keys("ssh-ed25519 BBBB dev@example");
  task.set_locale("de_DE.UTF-8");
  task.set_timezone("Europe/Berlin");
  ExpectGolden("pxe/orders_full.txt", RenderOrders(task, Context()));
}

TEST(Orders, OfATaskThatSaysTheLeast) {
  task::v1::BootTask task = Task("t1");
  task.clear_network();
  ExpectGolden("pxe/orders_least.txt", RenderOrders(task, Context()));
}

TEST(Orders, AValueCannotAddALine) {
  task::v1::BootTask task = Task("t1");
  task.set_locale("C\ncallback_url http://evil/");
  task.add_ssh_keys("ssh-ed25519 AAAA\r\nhostname evil");
  task.set_timezone(std::string("UTC\0x", 5));
  const std::string orders = RenderOrders(task, Context());
  EXPECT_EQ(orders.find("evil"), std::string::npos);
  EXPECT_EQ(orders.find("timezone"), std::string::npos);
  EXPECT_NE(orders.find("\nhostname web-01\n"), std::string::npos);
}

TEST(Orders, HoldNoPassword) {
  EXPECT_EQ(RenderOrders(Task("t1"), Context()).find("s3cret"), std::string::npos);
}

constexpr char kProcNetArp[] =
    "IP address       HW type     Flags       HW address            Mask     Device\n"
    "192.168.10.101   0x1         0x2         52:54:00:65:d5:42     *        eth0\n"
    "192.168.10.10    0x1         0x0         00:00:00:00:00:00     *        eth0\n";

TEST(NeighbourTable, FindsTheMacOfAnAddress) {
  EXPECT_EQ(FindNeighbour(kProcNetArp, "192.168.10.101"), kMac);
}

TEST(NeighbourTable, NothingForIncompleteAbsentOrBrokenEntries) {
  EXPECT_FALSE(FindNeighbour(kProcNetArp, "192.168.10.10").has_value());
  EXPECT_FALSE(FindNeighbour(kProcNetArp, "192.168.10.1").has_value());
  EXPECT_FALSE(FindNeighbour("", "192.168.10.1").has_value());
  EXPECT_FALSE(FindNeighbour("192.168.10.1", "192.168.10.1").has_value());
}

TEST(Reports, BodiesOfTheProtocol) {
  const absl::Time now = absl::FromUnixMillis(1'760'000'000'123);
  TrackedTask task;
  task.mac = kMac;
  task.task = Task("t1");
  task.progress.set_status(task::v1::TASK_STATUS_INSTALLING);
  task.progress.set_stage("downloading");
  task.progress.set_percent(42);
  task.progress.set_message("half \"way\"");
  const BootRequest uefi{kMac, ClientArch{7, Firmware::kUefiX64, "x64 UEFI"}, false};
  ExpectGolden("pxe/events.jsonl", StatusBody(task, now) + "\n" +
                                       TimelineBody("t1", "tftp", "ipxe.efi in 0.4 s", now) + "\n" +
                                       BootBody(uefi, "t1", "", now) + "\n");
}

}  // namespace
}  // namespace tentacle::pxe
