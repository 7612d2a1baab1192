// Which addresses a sweep asks, and when. Sans I/O: say how much time has passed, do what it
// answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/time/time.h>

namespace tentacle::discovery {

// An interface's own address and the network around it. Addresses are in host order.
struct Subnet {
  std::string interface;
  std::uint32_t own_address = 0;
  std::uint32_t prefix_length = 0;
  // False: the host has no address here; `own_address` is the network's, and questions come from
  // 0.0.0.0.
  bool has_address = true;

  std::uint32_t mask() const;

  std::uint32_t network() const { return own_address & mask(); }

  std::uint32_t broadcast() const { return own_address | ~mask(); }

  bool Contains(std::uint32_t address) const { return (address & mask()) == network(); }
};

// "10.1.2.0/24".
std::string NetworkName(const Subnet& subnet);

// Why a subnet is not swept. Each value is a metric label and a field of
// "discovery.subnet_skipped".
enum class SkipReason {
  kTooLarge,       // Holds more than limits::kMaxScanTargets addresses by itself.
  kBudgetSpent,    // The subnets before it have used up limits::kMaxScanTargets.
  kNoNeighbours,   // A /32: there is nobody to ask.
  kCovered,        // A subnet before it on the same interface holds all its addresses.
  kNotConfigured,  // discovery.networks does not name it.
};
std::string_view SkipReasonName(SkipReason reason);

// A network that the configuration names. Host order.
struct NetworkRule {
  std::string interface;  // Empty: on any.
  std::uint32_t address = 0;
  std::uint32_t prefix_length = 32;

  bool Contains(std::string_view on, std::uint32_t other) const;
};

// What the owner of the box allows.
struct ScanRules {
  std::vector<NetworkRule> networks;  // Empty: every network the host has an address in.
  std::vector<NetworkRule> exclude;   // Never asked.
  bool allow_large = false;

  bool IsExcluded(std::string_view interface, std::uint32_t address) const;
  bool IsConfigured(std::string_view interface, std::uint32_t address) const;
};

// Ask who has `target`, from `sender`, on `interface`. 0 as the sender: this host has no address
// there, and nobody shall believe that it has (RFC 5227 section 2.1.1).
struct Probe {
  std::string_view interface;  // Lives as long as the plan.
  std::uint32_t sender = 0;
  std::uint32_t target = 0;
};

// Nothing to do until this much time has passed since the start.
struct WaitUntil {
  absl::Duration elapsed;
};

struct Finished {};

struct ScanSettings {
  std::uint32_t probes_per_second = 50;  // Of all interfaces together.
  std::uint32_t passes = 2;              // At least. From the second on only the silent are asked,
  std::uint32_t max_passes =
      0;  // and, up to this, so often that fewer than `expected_misses` hosts are left unheard.
  double expected_misses = 0.002;
  absl::Duration reply_wait = absl::Seconds(1);         // After the last pass.
  absl::Duration pass_wait = absl::InfiniteDuration();  // Between two passes, if it is shorter.
  // After the last pass, if `reply_wait` is over since the first.
  absl::Duration repeat_wait = absl::InfiniteDuration();
  ScanRules rules;
};

// One sweep. Time is the duration since its start by a clock that is never set.
class ScanPlan {
 public:
  struct Skipped {
    Subnet subnet;
    SkipReason reason;
  };

  // The order of the subnets is the order of the questions.
  ScanPlan(std::vector<Subnet> subnets, ScanSettings settings);
  ScanPlan(const ScanPlan&) = delete;  // Probes point into it.
  ScanPlan& operator=(const ScanPlan&) = delete;

  // A probe to send now, a time to come back at, or the end. Ask again after each probe.
  std::variant<Probe, WaitUntil, Finished> Next(absl::Duration elapsed);
  // `address` spoke on `interface`: it is not asked again. True when it was to be asked, and had
  // not answered yet.
  bool OnAnswer(std::string_view interface, std::uint32_t address);

  std::size_t targets() const { return targets_.size(); }

  std::uint32_t pass() const { return pass_; }  // How many have ended.

  std::size_t asked() const { return asked_; }  // Addresses that were asked at least once.

  const std::vector<Skipped>& skipped() const { return skipped_; }

 private:
  struct Target {
    std::uint32_t address = 0;
    bool answered = false;
  };

  // A subnet and its targets, targets_[begin, end), in order of address.
  struct Range {
    Subnet subnet;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  void Add(const Subnet& subnet, const std::vector<Subnet>& all);

  void Skip(const Subnet& subnet, SkipReason reason) { skipped_.push_back({subnet, reason}); }

  bool Covered(const Subnet& subnet) const;
  bool IsEnough(std::uint32_t passes) const;
  absl::Duration LastAnswers() const;
  bool MoveToSilent();
  Probe Ask(absl::Duration elapsed);

  ScanSettings settings_;
  absl::Duration gap_;
  std::vector<Range> ranges_;
  std::vector<Target> targets_;
  std::vector<Skipped> skipped_;

  std::size_t silent_ = 0;  // Targets that have not answered.
  std::size_t lost_ = 0;    // Questions to the others that nothing came of.
  std::size_t asked_ = 0;
  std::uint32_t pass_ = 0;
  std::size_t range_ = 0;  // The cursor: the range of next_.
  std::size_t next_ = 0;   // The cursor: the target that is asked next.
  bool between_passes_ = false;
  absl::Duration due_;  // When the next thing happens.
  absl::Duration last_probe_;
  absl::Duration last_of_first_pass_;
};

}  // namespace tentacle::discovery
