// What `rpm -qa` prints with kRpmFormat -> the packages.
#pragma once

#include <string_view>
#include <vector>

#include "services/agent/core/inventory.h"

namespace tentacle::agent {

// Name, version with its release, architecture, parted by tabs.
inline constexpr char kRpmFormat[] =
    "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";

// Sorted by name. Keys of signers ("gpg-pubkey") are no packages.
std::vector<Package> ParseRpmList(std::string_view text);

}  // namespace tentacle::agent
