#include "services/pxe/core/answers.h"

#include <algorithm>
#include <array>

#include "services/pxe/core/autounattend.h"
#include "services/pxe/core/linux_answers.h"
#include "services/pxe/core/winpe_scripts.h"

namespace tentacle::pxe {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kXml = "application/xml; charset=utf-8";

// clang-format off
constexpr std::array<AnswerFile, 13> kAnswers = {{
    // kind                         name                   type   begins secret render
    {BootKind::kWindows,            "winpeshl.ini",        kText, false, false, &WinpeShell},
    {BootKind::kWindows,            "deploypart-uefi.txt", kText, false, false, &DiskpartUefi},
    {BootKind::kWindows,            "deploypart-bios.txt", kText, false, false, &DiskpartBios},
    {BootKind::kWindows,            "startnet.cmd",        kText, false, false, &StartNet},
    {BootKind::kWindows,            "unattend.xml",        kXml,  true,  true,  &Autounattend},
    {BootKind::kWindows,            "SetupComplete.cmd",   kText, false, false, &SetupComplete},
    {BootKind::kWindows,            "post.ps1",            kText, false, false, &WindowsPostInstall},
    {BootKind::kDebianPreseed,      "preseed.cfg",         kText, true,  true,  &Preseed},
    {BootKind::kDebianPreseed,      "octofleet-install",   kText, false, false, &InstallHelper},
    {BootKind::kUbuntuAutoinstall,  "user-data",           kText, true,  true,  &UserData},
    {BootKind::kUbuntuAutoinstall,  "meta-data",           kText, false, false, &MetaData},
    {BootKind::kUbuntuAutoinstall,  "vendor-data",         kText, false, false, &VendorData},
    {BootKind::kRhelKickstart,      "ks.cfg",              kText, true,  true,  &Kickstart},
}};
// clang-format on

}  // namespace

const AnswerFile* FindAnswer(BootKind kind, std::string_view name) {
  for (const AnswerFile& answer : kAnswers) {
    if (answer.kind == kind && answer.name == name) return &answer;
  }
  return nullptr;
}

std::vector<std::string_view> AnswerNames(BootKind kind) {
  std::vector<std::string_view> names;
  for (const AnswerFile& answer : kAnswers) {
    if (answer.kind == kind) names.push_back(answer.name);
  }
  return names;
}

bool NeedsSecrets(BootKind kind) {
  const auto holds = [kind](const AnswerFile& answer) {
    return answer.kind == kind && answer.secret;
  };
  return std::any_of(kAnswers.begin(), kAnswers.end(), holds);
}

}  // namespace tentacle::pxe
