// Sources of the agent below /etc, /sys and /var, and systemctl, on the text of two machines and on
// nonsense.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/agent/core/parse_block_device.h"
#include "services/agent/core/parse_dmi.h"
#include "services/agent/core/parse_dpkg_status.h"
#include "services/agent/core/parse_if_inet6.h"
#include "services/agent/core/parse_os_release.h"
#include "services/agent/core/parse_resolv_conf.h"
#include "services/agent/core/parse_route.h"
#include "services/agent/core/parse_units_json.h"
#include "services/agent/core/virtualization.h"
#include "tests/unit/agent/frozen_host.h"

namespace tentacle::agent {
namespace {

using ::testing::ElementsAre;
using testing::Frozen;
using ::testing::IsEmpty;

constexpr char kServer[] = "x86-server";
constexpr char kPi[] = "raspberry-pi";

TEST(ParseOsRelease, BothMachines) {
  const auto server = ParseOsRelease(Frozen(kServer, "/etc/os-release"));
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(server->name, "Debian GNU/Linux");
  EXPECT_EQ(server->version, "12");
  EXPECT_EQ(ParseOsRelease(Frozen(kPi, "/etc/os-release"))->name, "Raspbian GNU/Linux");
}

TEST(ParseOsRelease, QuotesAndEscapesAsAShellHasThem) {
  const auto release =
      ParseOsRelease("NAME='Odd \\ OS'\nVERSION=\"1 \\\"two\\\" \\$3\"\n# NAME=no\n");
  ASSERT_TRUE(release.ok());
  EXPECT_EQ(release->name, "Odd \\ OS");
  EXPECT_EQ(release->version, "1 \"two\" $3");
}

TEST(ParseOsRelease, RollingReleaseHasNoVersion) {
  const auto release = ParseOsRelease("NAME=\"Arch Linux\"\nID=arch\n");
  ASSERT_TRUE(release.ok());
  EXPECT_EQ(release->version, "");
}

TEST(ParseOsRelease, EmptyAndBroken) {
  EXPECT_FALSE(ParseOsRelease("").ok());
  EXPECT_FALSE(ParseOsRelease("no assignment\n=x\n").ok());
  EXPECT_EQ(ParseOsRelease("NAME=\"open\nID=x\n")->name, "\"open");
}

TEST(ParseDpkgStatus, OnlyWhatIsInstalledSortedByName) {
  const auto packages = ParseDpkgStatus(Frozen(kServer, "/var/lib/dpkg/status"));
  ASSERT_TRUE(packages.ok());
  std::vector<std::string> names;
  for (const auto& package : *packages)
    names.push_back(package.name + ":" + package.architecture);
  EXPECT_THAT(names, ElementsAre("base-files:amd64", "libc6:amd64", "libc6:i386", "nginx:amd64",
                                 "openssh-server:amd64"));
  EXPECT_EQ((*packages)[4].version, "1:9.2p1-2+deb12u3");
}

TEST(ParseDpkgStatus, Pi) {
  const auto packages = ParseDpkgStatus(Frozen(kPi, "/var/lib/dpkg/status"));
  ASSERT_TRUE(packages.ok());
  ASSERT_EQ(packages->size(), 3u);
  EXPECT_EQ((*packages)[0].version, "1:2+git20230124~151922+7a0a7bc-1");
}

TEST(ParseDpkgStatus, LastParagraphWithoutEmptyLine) {
  const auto packages = ParseDpkgStatus("Package: a\nStatus: install ok installed\nVersion: 1");
  ASSERT_TRUE(packages.ok());
  ASSERT_EQ(packages->size(), 1u);
  EXPECT_EQ((*packages)[0].version, "1");
}

TEST(ParseDpkgStatus, EmptyIsNoPackagesAndBrokenIsAnError) {
  EXPECT_THAT(ParseDpkgStatus("").value(), IsEmpty());
  EXPECT_FALSE(ParseDpkgStatus("this is no package list\n").ok());
  EXPECT_FALSE(ParseDpkgStatus(std::string("\x7f"
                                           "ELF\0\1",
                                           6))
                   .ok());
}

TEST(ParseDmi, VendorsWhoWriteNothing) {
  EXPECT_EQ(ParseDmiField(Frozen(kServer, "/sys/class/dmi/id/sys_vendor")), "Dell Inc.");
  EXPECT_EQ(ParseDmiField("To Be Filled By O.E.M.\n"), "");
  EXPECT_EQ(ParseDmiField("Default string\n"), "");
  EXPECT_EQ(ParseDmiField("  \n"), "");
  EXPECT_EQ(ParseDmiField(""), "");
}

TEST(ParseDmi, DeviceTreeOfThePi) {
  EXPECT_EQ(ParseDmiField(Frozen(kPi, "/proc/device-tree/model")),
            "Raspberry Pi 4 Model B Rev 1.4");
  EXPECT_EQ(ParseDeviceTreeVendor(Frozen(kPi, "/proc/device-tree/compatible")), "raspberrypi");
  EXPECT_EQ(ParseDeviceTreeVendor(""), "");
  EXPECT_EQ(ParseDeviceTreeVendor("no comma"), "");
}

TEST(ParseDefaultGateway, LowestMetricWins) {
  EXPECT_EQ(ParseDefaultGateway(Frozen(kServer, "/proc/net/route")).value(), "10.10.20.1");
  EXPECT_EQ(ParseDefaultGateway(Frozen(kPi, "/proc/net/route")).value(), "192.168.50.1");
}

TEST(ParseDefaultGateway, NoneEmptyAndBroken) {
  EXPECT_EQ(ParseDefaultGateway("Iface Destination Gateway\n").value(), "");
  EXPECT_EQ(
      ParseDefaultGateway("Iface\neth0 00000000 zz 3 0 0 1 00000000\neth0 00000000\n").value(), "");
  EXPECT_FALSE(ParseDefaultGateway("").ok());
  EXPECT_FALSE(ParseDefaultGateway("nonsense").ok());
}

TEST(ParseResolvConf, ServersOnly) {
  EXPECT_THAT(ParseResolvConf(Frozen(kServer, "/etc/resolv.conf")),
              ElementsAre("10.10.20.1", "2001:db8:20::53"));
  EXPECT_THAT(ParseResolvConf(Frozen(kPi, "/etc/resolv.conf")), ElementsAre("192.168.50.1"));
  EXPECT_THAT(ParseResolvConf(""), IsEmpty());
  EXPECT_THAT(ParseResolvConf("nameserver\nnameserver $(reboot)\n;nameserver 1.1.1.1\n"),
              IsEmpty());
  EXPECT_THAT(ParseResolvConf("nameserver fe80::1%eth0\n"), ElementsAre("fe80::1%eth0"));
}

TEST(ParseIfInet6, AddressesAreShortened) {
  const auto addresses = ParseIfInet6(Frozen(kServer, "/proc/net/if_inet6"));
  ASSERT_EQ(addresses.size(), 4u);
  EXPECT_EQ(addresses[0].address, "::1/128");
  EXPECT_EQ(addresses[1].interface, "eno1");
  EXPECT_EQ(addresses[1].address, "fe80::e643:4bff:fe9a:110/64");
  EXPECT_EQ(addresses[2].address, "2001:db8:20:0:e643:4bff:fe9a:110/64");  // One zero group stays.
}

TEST(ParseIfInet6, AllZeroAndTrailingZeros) {
  const auto addresses = ParseIfInet6(
      "00000000000000000000000000000000 01 00 00 00 a\n20010db8000000000001000000000000 01 40 00 "
      "00 b\n");
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_EQ(addresses[0].address, "::/0");
  EXPECT_EQ(addresses[1].address, "2001:db8:0:0:1::/64");
}

TEST(ParseIfInet6, EmptyAndBroken) {
  EXPECT_THAT(ParseIfInet6(""), IsEmpty());
  EXPECT_THAT(ParseIfInet6("fe80 01 40 20 80 eth0\n"), IsEmpty());
  EXPECT_THAT(ParseIfInet6("zz800000000000000000000000000001 01 40 20 80 eth0\n"), IsEmpty());
  EXPECT_THAT(ParseIfInet6("fe800000000000000000000000000001 01 ff 20 80 eth0\n"), IsEmpty());
}

TEST(ParseUnitsJson, SortedByName) {
  const auto units = ParseUnitsJson(Frozen(kServer, "/units.json"));
  ASSERT_TRUE(units.ok());
  ASSERT_EQ(units->size(), 3u);
  EXPECT_EQ((*units)[0].name, "apt-daily.service");
  EXPECT_EQ((*units)[1].sub, "failed");
  EXPECT_EQ((*units)[2].active, "active");
}

TEST(ParseUnitsJson, EmptyAndBroken) {
  EXPECT_THAT(ParseUnitsJson("[]").value(), IsEmpty());
  EXPECT_FALSE(ParseUnitsJson("").ok());
  EXPECT_FALSE(ParseUnitsJson("{}").ok());
  EXPECT_FALSE(ParseUnitsJson("[{\"unit\":").ok());
  EXPECT_THAT(ParseUnitsJson("[1, {\"unit\": 5}, {\"active\": \"x\"}, null]").value(), IsEmpty());
}

TEST(ParseBlockDevice, SataSerialIsInTheVitalProductData) {
  const auto disk = ParseBlockDevice({"sda", Frozen(kServer, "/sys/block/sda/size"), "1\n", "0\n",
                                      "ST4000NM000A-2HZ\n", "",
                                      Frozen(kServer, "/sys/block/sda/device/vpd_pg80")});
  ASSERT_TRUE(disk.has_value());
  EXPECT_EQ(disk->serial, "WS2400AB");
  EXPECT_EQ(disk->size_bytes, 7814037168ull * 512);
  EXPECT_TRUE(disk->rotational);
}

TEST(ParseBlockDevice, WhatIsNoDisk) {
  for (const char* name : {"loop0", "ram1", "dm-0", "md127", "sr0", "zram0", "nbd3"}) {
    EXPECT_FALSE(ParseBlockDevice({name, "1000", "0", "0", "", "", ""}).has_value()) << name;
  }
  EXPECT_FALSE(
      ParseBlockDevice({"sda", "0\n", "0", "1", "", "", ""}).has_value());  // A card reader.
  EXPECT_FALSE(ParseBlockDevice({"sda", "", "", "", "", "", ""}).has_value());
  EXPECT_FALSE(ParseBlockDevice({"sda", "18446744073709551615", "", "", "", "", ""}).has_value());
}

TEST(ParseBlockDevice, VitalProductDataThatLiesAboutItsLength) {
  EXPECT_EQ(ParseVpdPage80(std::string("\0\x80\xff\xff"
                                       "ABC",
                                       7)),
            "ABC");
  EXPECT_EQ(ParseVpdPage80(std::string("\0\x83\0\3"
                                       "ABC",
                                       7)),
            "");
  EXPECT_EQ(ParseVpdPage80(std::string("\0\x80\0", 3)), "");
  EXPECT_EQ(ParseVpdPage80(""), "");
}

TEST(DetectVirtualization, MachinesOfMetal) {
  VirtualizationFacts dell;
  dell.dmi_vendor = "Dell Inc.";
  dell.dmi_product = "PowerEdge R440";
  EXPECT_EQ(DetectVirtualization(dell), "none");
  VirtualizationFacts surface;
  surface.dmi_vendor = "Microsoft Corporation";
  surface.dmi_product = "Surface Pro";
  EXPECT_EQ(DetectVirtualization(surface), "none");
  EXPECT_EQ(DetectVirtualization({}), "none");
}

TEST(DetectVirtualization, Guests) {
  const auto of = [](std::string_view vendor, std::string_view product) {
    VirtualizationFacts facts;
    facts.dmi_vendor = vendor;
    facts.dmi_product = product;
    return DetectVirtualization(facts);
  };
  EXPECT_EQ(of("QEMU", "Standard PC (Q35 + ICH9, 2009)"), "qemu");
  EXPECT_EQ(of("Red Hat", "KVM"), "kvm");
  EXPECT_EQ(of("VMware, Inc.", "VMware7,1"), "vmware");
  EXPECT_EQ(of("Microsoft Corporation", "Virtual Machine"), "microsoft");
  EXPECT_EQ(of("innotek GmbH", "VirtualBox"), "oracle");
  VirtualizationFacts unnamed;
  unnamed.hypervisor_flag = true;
  EXPECT_EQ(DetectVirtualization(unnamed), "vm-other");
  VirtualizationFacts xen;
  xen.hypervisor_type = "xen";
  EXPECT_EQ(DetectVirtualization(xen), "xen");
}

TEST(DetectVirtualization, ContainerIsNamedBeforeItsMachine) {
  const std::string environment("A=b\0container=lxc\0C=d\0", 22);
  VirtualizationFacts facts;
  facts.container = ContainerOf(environment);
  facts.dmi_vendor = "QEMU";
  EXPECT_EQ(DetectVirtualization(facts), "lxc");
  VirtualizationFacts docker;
  docker.docker_env = true;
  EXPECT_EQ(DetectVirtualization(docker), "docker");
  VirtualizationFacts podman;
  podman.container_env = true;
  EXPECT_EQ(DetectVirtualization(podman), "podman");
  EXPECT_EQ(ContainerOf(""), "");
  EXPECT_EQ(ContainerOf("container"), "");
}

}  // namespace
}  // namespace tentacle::agent
