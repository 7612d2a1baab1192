#include "services/agent/core/parse_cpuinfo.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

// An ARM kernel names the part by number only (MIDR_EL1); these are the ones branch hardware has.
struct ArmPart {
  std::uint64_t part;
  std::string_view name;
};

constexpr ArmPart kArmParts[] = {
    {0xb76, "ARM1176"},     {0xc07, "Cortex-A7"},   {0xc08, "Cortex-A8"},   {0xc09, "Cortex-A9"},
    {0xd03, "Cortex-A53"},  {0xd04, "Cortex-A35"},  {0xd05, "Cortex-A55"},  {0xd07, "Cortex-A57"},
    {0xd08, "Cortex-A72"},  {0xd09, "Cortex-A73"},  {0xd0a, "Cortex-A75"},  {0xd0b, "Cortex-A76"},
    {0xd0c, "Neoverse-N1"}, {0xd40, "Neoverse-V1"}, {0xd49, "Neoverse-N2"},
};
constexpr std::uint64_t kImplementerArm = 0x41;

std::optional<std::uint64_t> Hex(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  return ToU64(text.substr(2), 16);
}

std::string ArmModel(std::uint64_t implementer, std::uint64_t part) {
  if (implementer == kImplementerArm) {
    for (const auto& known : kArmParts) {
      if (known.part == part) return fmt::format("ARM {}", known.name);
    }
  }
  return fmt::format("ARM implementer {:#04x} part {:#05x}", implementer, part);
}

// What is gathered over all the blocks of the file.
struct Tally {
  std::uint32_t threads = 0;
  std::string model;
  std::string socket = "0";
  std::set<std::pair<std::string, std::string>> cores;  // (socket, core id), x86 only.
  std::optional<std::uint64_t> implementer;
  std::optional<std::uint64_t> part;
  bool hypervisor = false;
};

bool HasFlag(std::string_view flags, std::string_view wanted) {
  const auto all = Fields(flags);
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

void Take(std::string_view key, std::string_view value, Tally& tally) {
  if (key == "processor" && ToU64(value)) ++tally.threads;
  if (key == "model name" && tally.model.empty()) tally.model = CleanField(value);
  if (key == "physical id") tally.socket = std::string(value);
  if (key == "core id") tally.cores.emplace(tally.socket, std::string(value));
  if (key == "CPU implementer" && !tally.implementer) tally.implementer = Hex(value);
  if (key == "CPU part" && !tally.part) tally.part = Hex(value);
  if (key == "flags" && !tally.hypervisor) tally.hypervisor = HasFlag(value, "hypervisor");
}

}  // namespace

absl::StatusOr<Cpu> ParseCpuInfo(std::string_view text) {
  Tally tally;
  for (const auto line : Lines(text)) {
    if (const auto pair = KeyValue(line, ':')) Take(pair->first, pair->second, tally);
  }
  if (tally.threads == 0) return absl::InvalidArgumentError("cpuinfo: no processor listed");
  // 32-bit ARM kernels do print a "model name", and it is the architecture's ("ARMv7 Processor rev
  // 4").
  if (tally.implementer && tally.part) tally.model = ArmModel(*tally.implementer, *tally.part);
  Cpu cpu;
  cpu.model = tally.model;
  cpu.threads = tally.threads;
  // Without core ids (ARM, some guests) every thread counts as a core.
  cpu.cores = tally.cores.empty() ? tally.threads : static_cast<std::uint32_t>(tally.cores.size());
  cpu.hypervisor = tally.hypervisor;
  return cpu;
}

}  // namespace tentacle::agent
