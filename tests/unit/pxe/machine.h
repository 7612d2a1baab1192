// Machines that boot, as DHCP shows them, and tasks for them.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <string>
#include <string_view>

#include "libs/wire/dhcp.h"
#include "libs/wire/mac_address.h"

namespace tentacle::testing {

inline constexpr wire::MacAddress kMac{{0x52, 0x54, 0x00, 0x65, 0xd5, 0x42}};
inline constexpr wire::MacAddress kOtherMac{{0x52, 0x54, 0x00, 0x65, 0xd5, 0x43}};

inline wire::Buffer Octets(std::initializer_list<int> values) {
  wire::Buffer out;
  for (const int value : values)
    out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

// A DISCOVER of firmware with that architecture number (option 93), and with a machine id.
inline wire::DhcpMessage Discover(int arch) {
  wire::DhcpMessage message;
  message.transaction_id = 0x3903f326;
  message.seconds = 4;
  for (std::size_t i = 0; i < 6; ++i)
    message.hardware_address[i] = kMac.octets[i];
  message.Add(wire::dhcp_option::kMessageType, Octets({1}));
  message.AddText(wire::dhcp_option::kVendorClass, "PXEClient:Arch:00007:UNDI:003016");
  message.Add(wire::dhcp_option::kClientArch, Octets({arch >> 8, arch & 0xff}));
  message.Add(wire::dhcp_option::kClientInterface, Octets({1, 3, 16}));
  message.Add(wire::dhcp_option::kClientMachineId,
              Octets({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}));
  return message;
}

// What the same firmware asks on port 4011, having an address by now.
inline wire::DhcpMessage BootServerRequest(int arch) {
  wire::DhcpMessage message = Discover(arch);
  message.options.front().data = Octets({3});
  message.client_address = 0xc0a80a65;
  return message;
}

inline wire::DhcpMessage Ipxe(int arch) {
  wire::DhcpMessage message = Discover(arch);
  message.AddText(wire::dhcp_option::kUserClass, "iPXE");
  message.Add(wire::dhcp_option::kEtherboot, Octets({0x13, 1, 1, 0x18, 1, 1, 0x24, 1, 1}));
  return message;
}

// UEFI HTTP boot: another vendor class and architecture.
inline wire::DhcpMessage HttpDiscover(int arch) {
  wire::DhcpMessage message = Discover(arch);
  for (auto& option : message.options) {
    if (option.code != wire::dhcp_option::kVendorClass) continue;
    const std::string_view text = "HTTPClient:Arch:00016:UNDI:003001";
    option.data.assign(text.begin(), text.end());
  }
  return message;
}

inline void Drop(std::uint8_t code, wire::DhcpMessage* message) {
  std::erase_if(message->options, [code](const auto& option) { return option.code == code; });
}

inline task::v1::BootTask Task(const std::string& id, const wire::MacAddress& mac = kMac) {
  task::v1::BootTask task;
  task.set_id(id);
  task.set_mac(mac.ToString());
  task.set_hostname("web-01");
  task.set_image_id("img-1");
  task.set_os_type("linux-image");
  task.mutable_network()->set_dhcp(true);
  task.set_source_json(
      "{\"id\":\"" + id + "\",\"mac\":\"" + mac.ToString() +
      "\",\"hostname\":\"web-01\",\"imageId\":\"img-1\",\"osType\":\"linux-image\","
      "\"platform\":\"kvm-libvirt\",\"network\":{\"dhcp\":true},"
      "\"adminPassword\":\"s3cret\",\"future\":{\"kept\":[1,2]}}");
  return task;
}

}  // namespace tentacle::testing
