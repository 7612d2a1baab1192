#include "services/agent/core/parse_host_counters.h"

#include <array>

#include "services/agent/core/fields.h"

namespace tentacle::agent {

namespace {

constexpr std::array<std::string_view, 8> kModes = {"user",   "nice", "system",  "idle",
                                                    "iowait", "irq",  "softirq", "steal"};
constexpr double kMicroseconds = 1e-6;

// "total=12345" -> 12345
std::uint64_t Number(std::string_view field, std::string_view name) {
  if (!field.starts_with(name)) return 0;
  return ToU64(field.substr(name.size())).value_or(0);
}

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

std::vector<CpuSeconds> ParseCpuSeconds(std::string_view stat, double ticks_per_second) {
  std::vector<CpuSeconds> cpus;
  for (const auto line : Lines(stat)) {
    const auto fields = Fields(line);
    // "cpu" alone is the sum of all.
    if (fields.size() < 5 || !fields[0].starts_with("cpu") || fields[0].size() == 3) continue;
    CpuSeconds one;
    one.cpu = CleanField(fields[0].substr(3));
    for (std::size_t i = 0; i < kModes.size() && i + 1 < fields.size(); ++i) {
      const auto ticks = static_cast<double>(ToU64(fields[i + 1]).value_or(0));
      one.modes.emplace_back(kModes[i], ticks / ticks_per_second);
    }
    cpus.push_back(std::move(one));
  }
  return cpus;
}

std::uint64_t ParseBootTime(std::string_view stat) {
  for (const auto line : Lines(stat)) {
    const auto fields = Fields(line);
    if (fields.size() == 2 && fields[0] == "btime") return ToU64(fields[1]).value_or(0);
  }
  return 0;
}

std::vector<MemoryField> ParseMemoryFields(std::string_view meminfo) {
  std::vector<MemoryField> result;
  for (const auto line : Lines(meminfo)) {
    const auto pair = KeyValue(line, ':');
    if (!pair) continue;
    const auto fields = Fields(pair->second);
    const auto value = fields.empty() ? std::nullopt : ToU64(fields[0]);
    if (!value) continue;
    MemoryField field;
    // "Active(anon)" is Active_anon. What could be no metric's name is none.
    bool is_name = !pair->first.empty();
    for (const char c : pair->first) {
      if (c == '(') field.name += '_';
      if (c == '(' || c == ')') continue;
      is_name = is_name && (IsAlphanumeric(c) || c == '_');
      field.name += c;
    }
    if (!is_name) continue;
    const bool in_kilobytes = fields.size() > 1 && fields[1] == "kB";
    field.value = in_kilobytes ? *value * 1024 : *value;
    if (in_kilobytes) field.name += "_bytes";
    result.push_back(std::move(field));
  }
  return result;
}

std::vector<DiskCounters> ParseDiskStats(std::string_view text) {
  constexpr std::uint64_t kSectorBytes = 512;
  constexpr std::size_t kFields = 14;  // Since Linux 2.6.
  std::vector<DiskCounters> disks;
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.size() < kFields) continue;
    const auto name = fields[2];
    if (name.starts_with("ram") || name.starts_with("loop") || name.starts_with("fd")) continue;
    const auto number = [&](std::size_t at) { return ToU64(fields[at]).value_or(0); };
    disks.push_back({CleanField(name), number(3), number(5) * kSectorBytes, number(7),
                     number(9) * kSectorBytes, static_cast<double>(number(12)) / 1000.0});
  }
  return disks;
}

Pressure ParsePressure(std::string_view text) {
  Pressure pressure;
  for (const auto line : Lines(text)) {
    const auto fields = Fields(line);
    if (fields.size() != 5) continue;
    const double seconds = static_cast<double>(Number(fields[4], "total=")) * kMicroseconds;
    if (fields[0] == "some") {
      pressure.some_seconds = seconds;
      constexpr std::string_view kAvg10 = "avg10=";
      if (fields[1].starts_with(kAvg10))
        pressure.some_avg10 = ToDouble(fields[1].substr(kAvg10.size())).value_or(0);
    } else if (fields[0] == "full") {
      pressure.full_seconds = seconds;
    }
  }
  return pressure;
}

}  // namespace tentacle::agent
