#include "services/agent/core/virtualization.h"

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {
// A vendor or product that begins so belongs to this hypervisor. KVM's own name comes before QEMU,
// which is also the vendor of its guests.
struct Mark {
  std::string_view prefix;
  std::string_view name;
};

constexpr Mark kMarks[] = {
    {"KVM", "kvm"},
    {"OpenStack", "kvm"},
    {"RHEV", "kvm"},
    {"Amazon EC2", "amazon"},
    {"Google Compute Engine", "google"},
    {"QEMU", "qemu"},
    {"VMware", "vmware"},
    {"VirtualBox", "oracle"},
    {"innotek GmbH", "oracle"},
    {"Xen", "xen"},
    {"Bochs", "bochs"},
    {"Parallels", "parallels"},
    {"BHYVE", "bhyve"},
    {"Apple Virtualization", "apple"},
};
}  // namespace

std::string DetectVirtualization(const VirtualizationFacts& facts) {
  if (!facts.container.empty()) return CleanField(facts.container);
  if (facts.docker_env) return "docker";
  if (facts.container_env) return "podman";
  // Microsoft also sells laptops: only this product is a guest.
  if (facts.dmi_vendor.starts_with("Microsoft") &&
      facts.dmi_product.starts_with("Virtual Machine")) {
    return "microsoft";
  }
  for (const auto& mark : kMarks) {
    if (facts.dmi_product.starts_with(mark.prefix) || facts.dmi_vendor.starts_with(mark.prefix)) {
      return std::string(mark.name);
    }
  }
  if (facts.hypervisor_type == "xen") return "xen";
  return facts.hypervisor_flag ? "vm-other" : "none";
}

std::string_view ContainerOf(std::string_view environment) {
  constexpr std::string_view kName = "container=";
  while (!environment.empty()) {
    const auto end = environment.find('\0');
    const auto entry = environment.substr(0, end);
    if (entry.starts_with(kName)) return entry.substr(kName.size());
    if (end == std::string_view::npos) break;
    environment.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace tentacle::agent
