// Facts of a host -> what kind of machine it is, in the words of systemd-detect-virt.
#pragma once

#include <string>
#include <string_view>

namespace tentacle::agent {

struct VirtualizationFacts {
  std::string_view container;        // `container=` in the environment of process 1 ("lxc"), or "".
  bool docker_env = false;           // /.dockerenv is there.
  bool container_env = false;        // /run/.containerenv is there (podman).
  std::string_view dmi_vendor;       // sys_vendor
  std::string_view dmi_product;      // product_name
  std::string_view hypervisor_type;  // /sys/hypervisor/type ("xen")
  bool hypervisor_flag = false;      // cpuinfo
};

// "none" for a machine of metal; a container is named before the machine it runs on.
std::string DetectVirtualization(const VirtualizationFacts& facts);

// The value of `container` in the octets of /proc/1/environ, or "".
std::string_view ContainerOf(std::string_view environment);

}  // namespace tentacle::agent
