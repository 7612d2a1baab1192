#include "services/pxe/core/boot_kind.h"

#include <fmt/format.h>

#include <array>

#include "services/pxe/core/escape.h"

namespace tentacle::pxe {

namespace {

using task::v1::BootTask;

struct KindRow {
  std::string_view os_type;
  BootKind kind;
  bool installer;
  std::string_view folder;
  std::array<std::string_view, 4> files;  // Within the folder.
};

// clang-format off
constexpr std::array<KindRow, 7> kKinds = {{
    // osType              kind                          installer folder          files
    {"linux-image",        BootKind::kLinuxImage,        true,  "ramdisk",       {"vmlinuz", "initrd.img"}},
    {"windows",            BootKind::kWindows,           true,  "windows",       {"wimboot", "boot.wim", "BCD", "boot.sdi"}},
    {"debian-preseed",     BootKind::kDebianPreseed,     true,  "debian-12",     {"linux", "initrd.gz"}},
    {"ubuntu-autoinstall", BootKind::kUbuntuAutoinstall, true,  "ubuntu-24.04",  {"vmlinuz", "initrd"}},
    {"rhel-kickstart",     BootKind::kRhelKickstart,     true,  "rhel-9",        {"vmlinuz", "initrd.img"}},
    {"local-boot",         BootKind::kLocalBoot,         false, "",              {}},
    {"plain-kernel",       BootKind::kPlainKernel,       false, "",              {}},
}};

// clang-format on

const KindRow& RowOf(BootKind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row;
  }
  return kKinds[0];
}

}  // namespace

std::optional<BootKind> KindOf(std::string_view os_type) {
  for (const KindRow& row : kKinds) {
    if (row.os_type == os_type) return row.kind;
  }
  return std::nullopt;
}

bool HasInstaller(BootKind kind) {
  return RowOf(kind).installer;
}

std::string InstallerFolder(BootKind kind, const BootTask& task) {
  // The ramdisk is ours and has one place.
  if (!task.installer().empty() && kind != BootKind::kLinuxImage) return task.installer();
  return std::string(RowOf(kind).folder);
}

std::vector<std::string> NeededFiles(BootKind kind, const BootTask& task) {
  std::vector<std::string> files;
  if (kind == BootKind::kPlainKernel) {
    files.push_back(task.kernel().path());
    if (!task.kernel().initrd().empty()) files.push_back(task.kernel().initrd());
    return files;
  }
  for (const std::string_view file : RowOf(kind).files) {
    if (!file.empty()) files.push_back(fmt::format("{}/{}", InstallerFolder(kind, task), file));
  }
  // WinPE has no HTTP client of its own that a script can use.
  if (kind == BootKind::kWindows) files.push_back(InstallerFolder(kind, task) + "/curl.exe");
  return files;
}

std::string DriverFolder(const BootTask& task) {
  return fmt::format("{}/drivers/{}", InstallerFolder(BootKind::kWindows, task),
                     OnlyWords(task.platform(), ""));
}

std::string KindObjection(const BootTask& task) {
  const auto kind = KindOf(task.os_type());
  if (!kind) return fmt::format("os type {} is not known to this version", task.os_type());
  const bool writes_image = *kind == BootKind::kLinuxImage || *kind == BootKind::kWindows ||
                            *kind == BootKind::kUbuntuAutoinstall;
  if (writes_image && task.image_id().empty()) return "the task names no image";
  if (*kind == BootKind::kPlainKernel && task.kernel().path().empty())
    return "kernel.path: is missing";
  if (*kind == BootKind::kRhelKickstart && task.image_id().empty() && task.mirror().empty()) {
    return "mirror: is missing; a rhel-kickstart task needs the address of an install tree, or an "
           "image";
  }
  if (*kind == BootKind::kWindows && task.disk().serial() != OnlyWords(task.disk().serial(), "")) {
    return "disk.serial: has a character that a WinPE script cannot hold";
  }
  return "";
}

}  // namespace tentacle::pxe
