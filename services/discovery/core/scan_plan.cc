#include "services/discovery/core/scan_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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
    case SkipReason::kNotConfigured:
      return "not_configured";
  }
  return "unknown";
}

bool NetworkRule::Contains(std::string_view on, std::uint32_t other) const {
  if (!interface.empty() && interface != on) return false;
  return Subnet{interface, address, prefix_length}.Contains(other);
}

bool ScanRules::IsExcluded(std::string_view interface, std::uint32_t address) const {
  return std::any_of(exclude.begin(), exclude.end(),
                     [&](const NetworkRule& rule) { return rule.Contains(interface, address); });
}

bool ScanRules::IsConfigured(std::string_view interface, std::uint32_t address) const {
  if (networks.empty()) return true;
  return std::any_of(networks.begin(), networks.end(),
                     [&](const NetworkRule& rule) { return rule.Contains(interface, address); });
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
  const std::size_t most =
      settings_.rules.allow_large ? limits::kMaxLargeScanTargets : limits::kMaxScanTargets;
  if (settings_.rules.networks.empty() && hosts.count() > most)
    return Skip(subnet, SkipReason::kTooLarge);
  Range range{subnet, targets_.size(), 0};
  targets_.reserve(std::min<std::uint64_t>(targets_.size() + hosts.count(), most));
  for (std::uint64_t wide = hosts.first; wide <= hosts.last; ++wide) {
    const auto address = static_cast<std::uint32_t>(wide);
    if (!settings_.rules.IsConfigured(subnet.interface, address)) continue;
    if (targets_.size() == most) {
      targets_.resize(range.begin);
      return Skip(subnet, range.begin == 0 ? SkipReason::kTooLarge : SkipReason::kBudgetSpent);
    }
    const auto is_own = [address](const Subnet& s) {
      return s.has_address && s.own_address == address;
    };
    if (std::any_of(all.begin(), all.end(), is_own)) continue;
    if (settings_.rules.IsExcluded(subnet.interface, address)) continue;
    targets_.push_back({address, false});
  }
  if (targets_.size() == range.begin) return Skip(subnet, SkipReason::kNotConfigured);
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
    if (silent_ == 0 || IsEnough(pass_)) return Finished{};
    if (elapsed < due_) return WaitUntil{due_};
    if (between_passes_) {
      between_passes_ = false;
      range_ = next_ = 0;
      ++pass_;
      continue;
    }
    if (MoveToSilent()) return Ask(elapsed);
    between_passes_ = true;
    if (pass_ == 0) last_of_first_pass_ = last_probe_;
    due_ = IsEnough(pass_ + 1) ? LastAnswers()
                               : last_probe_ + std::min(settings_.pass_wait, settings_.reply_wait);
  }
}

// Who thinks long has had the time since the first question; who lost that one thinks as long as
// most.
absl::Duration ScanPlan::LastAnswers() const {
  return std::max(last_of_first_pass_ + settings_.reply_wait,
                  last_probe_ + std::min(settings_.repeat_wait, settings_.reply_wait));
}

// Each pass loses the same share of who is there. Few hosts say little about it, so what is likely
// of any segment counts as well.
bool ScanPlan::IsEnough(std::uint32_t passes) const {
  if (passes >= std::max(settings_.passes, settings_.max_passes)) return true;
  if (passes < settings_.passes) return false;
  const auto answered = static_cast<double>(targets_.size() - silent_);
  const auto lost = static_cast<double>(lost_);
  const double loss = (lost + limits::kUsualLoss * limits::kUsualLossWeight) /
                      (lost + answered + limits::kUsualLossWeight);
  return answered * std::pow(loss, passes) < settings_.expected_misses;
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
  const std::uint32_t sender = subnet.has_address ? subnet.own_address : 0;
  const Probe probe{subnet.interface, sender, targets_[next_].address};
  if (pass_ == 0) ++asked_;
  ++next_;
  last_probe_ = elapsed;
  // A stall is made good, but not in one burst.
  due_ = std::max(due_ + gap_, elapsed - limits::kMaxCatchUpProbes * gap_);
  return probe;
}

bool ScanPlan::OnAnswer(std::string_view interface, std::uint32_t address) {
  bool awaited = false;
  for (const Range& range : ranges_) {
    if (range.subnet.interface != interface || !range.subnet.Contains(address)) continue;
    const auto begin = targets_.begin() + static_cast<std::ptrdiff_t>(range.begin);
    const auto end = targets_.begin() + static_cast<std::ptrdiff_t>(range.end);
    const auto before = [](const Target& target, std::uint32_t a) { return target.address < a; };
    const auto found = std::lower_bound(begin, end, address, before);
    if (found == end || found->address != address || found->answered) continue;
    found->answered = true;
    --silent_;
    // An answer that comes before the next question is to the one before: slow, not lost.
    const bool asked_in_pass = static_cast<std::size_t>(found - targets_.begin()) < next_;
    const std::uint32_t questions = pass_ + (asked_in_pass ? 1 : 0);
    if (questions > 1) lost_ += questions - 1;
    awaited = true;
  }
  return awaited;
}

}  // namespace tentacle::discovery
