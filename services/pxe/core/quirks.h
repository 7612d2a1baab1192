// What is done otherwise for a firmware: the rows that are built in, and those of the configuration
// behind them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "libs/config/pxe_quirk.h"
#include "services/pxe/core/boot_request.h"

namespace tentacle::pxe {

using config::QuirkOption43;

// All rows that hold for a client, the later over the earlier.
struct QuirkEffects {
  std::string names;  // "raspberry-pi, slow-nic"; empty: none.
  absl::Duration delay = absl::ZeroDuration();
  std::optional<QuirkOption43> option43;
  std::string loader;
  bool nul = false;
  std::optional<std::uint32_t> block_bytes;
  std::optional<std::uint32_t> window;
  bool answer = true;
};

// In the grammar of the configuration.
std::span<const std::string_view> BuiltInQuirks();

class QuirkTable {
 public:
  QuirkTable();
  // The rows of the configuration; those before are forgotten. InvalidArgument: nothing has
  // changed.
  absl::Status Configure(const std::vector<std::string>& rows);
  QuirkEffects For(const BootRequest& boot) const;

 private:
  std::vector<config::PxeQuirk> built_in_;
  std::vector<config::PxeQuirk> configured_;
};

}  // namespace tentacle::pxe
