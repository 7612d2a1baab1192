#include "services/discovery/core/scan_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "services/discovery/limits.h"

namespace tentacle::discovery {

namespace {

struct Hosts {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  std::uint64_t count() const { return std::uint64_t{last} - first + 1; }
};

// Network and broadcast address are nobody's, except in a /31, which has neither (RFC 3021
// section 2.1).
Hosts HostsOf(const Subnet& subnet) {
  if (subnet.prefix_length >= 31) return {subnet.network(), subnet.broadcast()};
  return {subnet.network() + 1, subnet.broadcast() - 1};
}

}  // namespace

std::uint32_t Subnet::mask() const {
  if (prefix_length == 0) return 0;
  return ~std::uint32_t{0} << (32 - std::min(prefix_length, 32u));
}

std::string NetworkName(const Subnet& subnet) {
  const std::uint32_t network = subnet.network();
  return fmt::format("{}.{}.{}.{}/{}", network >> 24, (network >> 16) & 0xff, (network >> 8) & 0xff,
                     network & 0xff, subnet.prefix_length);
}

std::string_view SkipReasonName(SkipReason reason) {
  switch (reason) {
    case SkipReason::kTooLarge:
      return "too_large";
    case SkipReason::kBudgetSpent:
      return "budget_spent";
    case SkipReason::kNoNeighbours:
      return "no_neighbours";
    case SkipReason::kCovered:
      return "covered";
  }
  return "unknown";
}

ScanPlan::ScanPlan(std::vector<Subnet> subnets, ScanSettings settings) : settings_(settings) {
  const auto rate = std::clamp(settings_.probes_per_second, 1u, limits::kMaxProbesPerSecond);
  gap_ = absl::Seconds(1) / rate;
  for (const Subnet& subnet : subnets)
    Add(subnet, subnets);
  silent_ = targets_.size();
}

void ScanPlan::Add(const Subnet& subnet, const std::vector<Subnet>& all) {
  if (subnet.prefix_length >= 32) return Skip(subnet, SkipReason::kNoNeighbours);
  if (Covered(subnet)) return Skip(subnet, SkipReason::kCovered);
  const Hosts hosts = HostsOf(subnet);
  if (hosts.count() > limits::kMaxScanTargets) return Skip(subnet, SkipReason::kTooLarge);
  if (targets_.size() + hosts.count() > limits::kMaxScanTargets) {
    return Skip(subnet, SkipReason::kBudgetSpent);
  }

  Range range{subnet, targets_.size(), 0};
  for (std::uint64_t address = hosts.first; address <= hosts.last; ++address) {
    const auto is_own = [address](const Subnet& s) { return s.own_address == address; };
    if (std::any_of(all.begin(), all.end(), is_own)) continue;
    targets_.push_back({static_cast<std::uint32_t>(address), false});
  }
  range.end = targets_.size();
  ranges_.push_back(std::move(range));
}

bool ScanPlan::Covered(const Subnet& subnet) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& earlier) {
    return earlier.subnet.interface == subnet.interface &&
           earlier.subnet.prefix_length <= subnet.prefix_length &&
           earlier.subnet.Contains(subnet.own_address);
  });
}

std::variant<Probe, WaitUntil, Finished> ScanPlan::Next(absl::Duration elapsed) {
  for (;;) {
    if (silent_ == 0 || pass_ >= settings_.passes) return Finished{};
    if (elapsed < due_) return WaitUntil{due_};
    if (between_passes_) {
      between_passes_ = false;
      range_ = next_ = 0;
      ++pass_;
      continue;
    }
    if (MoveToSilent()) return Ask(elapsed);
    between_passes_ = true;
    due_ = last_probe_ + settings_.reply_wait;
  }
}

bool ScanPlan::MoveToSilent() {
  while (next_ < targets_.size() && targets_[next_].answered)
    ++next_;
  if (next_ == targets_.size()) return false;
  while (next_ >= ranges_[range_].end)
    ++range_;
  return true;
}

Probe ScanPlan::Ask(absl::Duration elapsed) {
  const Subnet& subnet = ranges_[range_].subnet;
  const Probe probe{subnet.interface, subnet.own_address, targets_[next_].address};
  if (pass_ == 0) ++asked_;
  ++next_;
  last_probe_ = elapsed;
  // A stall is made good, but not in one burst.
  due_ = std::max(due_ + gap_, elapsed - limits::kMaxCatchUpProbes * gap_);
  return probe;
}

void ScanPlan::OnAnswer(std::string_view interface, std::uint32_t address) {
  for (const Range& range : ranges_) {
    if (range.subnet.interface != interface || !range.subnet.Contains(address)) continue;
    const auto begin = targets_.begin() + static_cast<std::ptrdiff_t>(range.begin);
    const auto end = targets_.begin() + static_cast<std::ptrdiff_t>(range.end);
    const auto before = [](const Target& target, std::uint32_t a) { return target.address < a; };
    const auto found = std::lower_bound(begin, end, address, before);
    if (found == end || found->address != address || found->answered) continue;
    found->answered = true;
    --silent_;
  }
}

}  // namespace tentacle::discovery
