#include "services/pxe/core/quirks.h"

#include <algorithm>
#include <array>

namespace tentacle::pxe {

namespace {

// docs/firmware.md gives the source of each.
constexpr std::array<std::string_view, 3> kBuiltIn = {{
    // Boards of the third generation take the first offer for the lease and must hear the DHCP
    // server before us.
    "name=raspberry-pi-3 mac=b8:27:eb arch=0 delay_ms=300 option43=raspberry-pi",
    "name=raspberry-pi arch=41 option43=raspberry-pi",
    "name=raspberry-pi-named machine=RPi option43=raspberry-pi",
}};

bool Holds(const config::PxeQuirk& quirk, const BootRequest& boot) {
  const auto& prefix = quirk.mac_prefix;
  if (!std::equal(prefix.begin(), prefix.end(), boot.mac.octets.begin())) return false;
  if (quirk.arch && *quirk.arch != boot.arch.number) return false;
  if (!boot.says.vendor_class.starts_with(quirk.vendor_prefix)) return false;
  if (quirk.machine_prefix.empty()) return true;
  if (!boot.says.machine || quirk.machine_prefix.size() > boot.says.machine->size()) return false;
  return std::equal(quirk.machine_prefix.begin(), quirk.machine_prefix.end(),
                    boot.says.machine->begin());
}

void Apply(const config::PxeQuirk& quirk, QuirkEffects* effects) {
  if (!effects->names.empty()) effects->names += ", ";
  effects->names += quirk.name;
  if (quirk.delay_ms) effects->delay = absl::Milliseconds(*quirk.delay_ms);
  if (quirk.option43) effects->option43 = quirk.option43;
  if (!quirk.loader.empty()) effects->loader = quirk.loader;
  if (quirk.nul) effects->nul = *quirk.nul;
  if (quirk.block_bytes) effects->block_bytes = quirk.block_bytes;
  if (quirk.window) effects->window = quirk.window;
  if (quirk.answer) effects->answer = *quirk.answer;
}

}  // namespace

std::span<const std::string_view> BuiltInQuirks() {
  return kBuiltIn;
}

QuirkTable::QuirkTable() {
  for (const std::string_view row : kBuiltIn) {
    if (auto quirk = config::ParsePxeQuirk(row); quirk.ok()) built_in_.push_back(*std::move(quirk));
  }
}

absl::Status QuirkTable::Configure(const std::vector<std::string>& rows) {
  std::vector<config::PxeQuirk> parsed;
  for (const std::string& row : rows) {
    auto quirk = config::ParsePxeQuirk(row);
    if (!quirk.ok()) return quirk.status();
    parsed.push_back(*std::move(quirk));
  }
  configured_ = std::move(parsed);
  return absl::OkStatus();
}

QuirkEffects QuirkTable::For(const BootRequest& boot) const {
  QuirkEffects effects;
  for (const auto* rows : {&built_in_, &configured_}) {
    for (const config::PxeQuirk& quirk : *rows) {
      if (Holds(quirk, boot)) Apply(quirk, &effects);
    }
  }
  return effects;
}

}  // namespace tentacle::pxe
