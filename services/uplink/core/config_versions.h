// The last configurations that the backend sent: which is in force, which is on trial, which was
// taken back and why. Pure.
//
// A configuration that touches the link itself could cut the tentacle off for good. It is on trial
// until a connection has been made with it; when none comes about in time the one before is put
// back, and the backend is told once it is reached again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

namespace tentacle::uplink {

enum class ConfigStanding { kInForce, kOnTrial, kSuperseded, kReverted };

std::string_view Name(ConfigStanding standing);

struct ConfigVersion {
  std::uint64_t revision = 0;  // The backend's; 0: it named none.
  std::string json;
  absl::Time since;
  ConfigStanding standing = ConfigStanding::kInForce;
  std::string reason;  // Of kReverted.
};

// True when one of them differs from the other in what the connection to the backend is made with.
bool TouchesLink(std::string_view json, std::string_view other_json);

// The same with `backend.pins` as an empty list.
std::string WithoutPins(std::string_view json);

class ConfigVersions {
 public:
  // So many are kept.
  static constexpr std::size_t kMax = 5;

  // Oldest first.
  const std::vector<ConfigVersion>& all() const { return versions_; }

  // In force or on trial; null before the first.
  const ConfigVersion* current() const;
  // What would be put back; null: the tentacle's own configuration alone.
  const ConfigVersion* fallback() const;

  bool on_trial() const;

  // The backend repeats its configuration after each connect: this one was taken back.
  bool WasReverted(std::uint64_t revision, std::string_view json) const;

  void Accept(std::uint64_t revision, std::string json, bool on_trial, absl::Time now);
  // The one on trial has proven itself.
  void Confirm(absl::Time now);
  // The one on trial has not; returns the configuration that holds again, "{}" for none.
  std::string Revert(std::string reason, absl::Time now);

  // One JSON document; what cannot be read is no version.
  std::string Serialize() const;
  static ConfigVersions Parse(std::string_view text);

 private:
  ConfigVersion* Find(ConfigStanding standing);

  std::vector<ConfigVersion> versions_;
};

}  // namespace tentacle::uplink
