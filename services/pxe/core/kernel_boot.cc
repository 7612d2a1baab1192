#include "services/pxe/core/kernel_boot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "services/pxe/core/escape.h"

namespace tentacle::pxe {

namespace {

using task::v1::BootTask;

std::string Netmask(std::uint32_t prefix) {
  const std::uint32_t mask = prefix == 0 ? 0 : ~0u << (32 - prefix);
  return fmt::format("{}.{}.{}.{}", mask >> 24, mask >> 16 & 255, mask >> 8 & 255, mask & 255);
}

// "10.0.0.2" of "http://10.0.0.2:9080".
std::string HostOf(std::string_view url) {
  url.remove_prefix(std::min(url.find("//") + 2, url.size()));
  return std::string(url.substr(0, url.find(':')));
}

class Arguments {
 public:
  void Add(std::string_view word) { words_.push_back(BootWord(word)); }

  void Add(std::string_view key, std::string_view value) {
    if (!value.empty()) words_.push_back(fmt::format("{}={}", key, BootWord(value)));
  }

  std::vector<std::string> Take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

void AddConsoles(Arguments* out) {
  out->Add("console=tty0");
  out->Add("console=ttyS0,115200");
}

std::vector<std::string> RamdiskArguments(const BootContext& context) {
  Arguments out;
  AddConsoles(&out);
  out.Add("panic=60");
  out.Add("tentacle.url", context.base_url);
  out.Add("tentacle.token", context.token);
  out.Add("tentacle.mac", context.mac.ToString());
  return out.Take();
}

// What debian-installer has to know before it can fetch its preseed file: network and language come
// first.
std::vector<std::string> DebianArguments(const BootTask& task, const BootContext& context) {
  Arguments out;
  out.Add("auto=true");
  out.Add("priority=critical");
  out.Add("url", context.answers_url + "/preseed.cfg");
  out.Add("locale", LocaleOf(task.locale()));
  out.Add("keymap=us");
  const std::string& name = task.hostname();
  const std::size_t dot = name.find('.');
  out.Add("hostname", name.substr(0, dot));
  out.Add("domain", dot == std::string::npos ? "local" : name.substr(dot + 1));
  // The interface that booted, also where several have a link.
  out.Add("interface=auto");
  out.Add("BOOTIF", "01-" + context.mac.WithDashes());
  if (!task.network().dhcp() && !task.network().address().empty()) {
    const auto& network = task.network();
    out.Add("netcfg/disable_autoconfig=true");
    out.Add("netcfg/confirm_static=true");
    out.Add("netcfg/get_ipaddress", network.address());
    out.Add("netcfg/get_netmask", Netmask(network.prefix_length()));
    out.Add("netcfg/get_gateway", network.gateway().empty() ? "none" : network.gateway());
    if (network.dns_servers_size() > 0) out.Add("netcfg/get_nameservers", network.dns_servers(0));
  } else {
    // Asked of a person when DHCP names none; any address is better than waiting for him, and ours
    // is there.
    out.Add("netcfg/get_nameservers", HostOf(context.base_url));
  }
  // Without "---": debian-installer would carry what stands before it into the new system's command
  // line otherwise.
  AddConsoles(&out);
  return out.Take();
}

std::vector<std::string> UbuntuArguments(const BootContext& context) {
  Arguments out;
  out.Add("ip=dhcp");
  out.Add("url", context.image_url);
  out.Add("autoinstall");
  out.Add("ds=nocloud;s=" + context.answers_url + "/");
  out.Add("cloud-config-url=/dev/null");
  AddConsoles(&out);
  return out.Take();
}

std::vector<std::string> RhelArguments(const BootTask& task, const BootContext& context) {
  Arguments out;
  out.Add("ip=dhcp");
  out.Add("BOOTIF", "01-" + context.mac.WithDashes());
  out.Add("inst.ks", context.answers_url + "/ks.cfg");
  // The installer's second stage comes from the tree; without one it has to lie in the initrd's
  // folder.
  out.Add("inst.repo", task.mirror());
  if (task.mirror().empty()) {
    out.Add("inst.stage2", fmt::format("{}/boot/{}", context.base_url,
                                       InstallerFolder(BootKind::kRhelKickstart, task)));
  }
  out.Add("inst.text");
  AddConsoles(&out);
  return out.Take();
}

}  // namespace

KernelBoot KernelBootOf(BootKind kind, const BootTask& task, const BootContext& context) {
  if (kind == BootKind::kPlainKernel) {
    Arguments out;
    for (const std::string& word : task.kernel().arguments())
      out.Add(word);
    return {BootWord(task.kernel().path()), BootWord(task.kernel().initrd()), out.Take()};
  }
  const auto files = NeededFiles(kind, task);
  KernelBoot boot{
      files.size() > 0 ? BootWord(files[0]) : "", files.size() > 1 ? BootWord(files[1]) : "", {}};
  switch (kind) {
    case BootKind::kDebianPreseed:
      boot.arguments = DebianArguments(task, context);
      break;
    case BootKind::kUbuntuAutoinstall:
      boot.arguments = UbuntuArguments(context);
      break;
    case BootKind::kRhelKickstart:
      boot.arguments = RhelArguments(task, context);
      break;
    default:
      boot.arguments = RamdiskArguments(context);
      break;
  }
  return boot;
}

}  // namespace tentacle::pxe
