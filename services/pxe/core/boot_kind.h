// What a task boots its machine with, and what has to lie in the boot folder for it. Pure.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tentacle::pxe {

enum class BootKind {
  kLinuxImage,  // Our ramdisk writes a disk image.
  kWindows,     // wimboot, WinPE, an image of a WIM.
  kDebianPreseed,
  kUbuntuAutoinstall,  // The image is the live-server ISO.
  kRhelKickstart,
  kLocalBoot,    // Nothing of ours: on to the disk.
  kPlainKernel,  // A memory test or the like; over as soon as it runs.
};

// By `osType` of docs/protocol.md section 4.
std::optional<BootKind> KindOf(std::string_view os_type);

// An installer of this kind asks for answer files and reports how far it is.
bool HasInstaller(BootKind kind);

// The folder below the boot folder with the installer's own files: what the task says, or
// "debian-12", "ubuntu-24.04", "rhel-9", "windows".
std::string InstallerFolder(BootKind kind, const task::v1::BootTask& task);

// Paths below the boot folder without which this task cannot boot.
std::vector<std::string> NeededFiles(BootKind kind, const task::v1::BootTask& task);

// Where driver files for WinPE on this task's platform are looked for.
std::string DriverFolder(const task::v1::BootTask& task);

// Why a task of this kind cannot be carried out whatever lies in the folder, or "".
std::string KindObjection(const task::v1::BootTask& task);

}  // namespace tentacle::pxe
