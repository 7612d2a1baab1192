// Where an update stands, as it is kept on disk: what happened -> the next step, and which slot
// each link shall point to. The record decides; links follow it, so a kill between the two is
// mended by whoever reads the record next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "libs/backend_link/release.h"

namespace tentacle::agent {

enum class UpdateStep {
  kIdle,
  kDownloading,
  kVerified,    // All of it is there and has the signed SHA-256; it has no name yet.
  kStaged,      // It is in its slot.
  kSwitched,    // The next start is its first.
  kProbation,   // It was started; it has until the deadline to prove itself.
  kCommitted,   // It is the installed release.
  kRolledBack,  // The release before runs; the attempt may be repeated.
  kBlocked,     // The release before runs; this version failed too often.
};

enum class UpdateEvent {
  kOrdered,
  kVerified,
  kStaged,
  kSwitch,
  kStart,  // The services are being started.
  kHealthy,
  kFail,
  kInterrupted,  // The agent found itself restarted in the middle.
};

std::string_view Name(UpdateStep step);
std::string_view Name(UpdateEvent event);
std::optional<UpdateStep> UpdateStepFromName(std::string_view name);

// Nothing: this cannot happen in that step. What fails ends as kRolledBack here; Advance() knows
// the attempts.
std::optional<UpdateStep> NextStep(UpdateStep from, UpdateEvent on);
// No update is under way.
bool IsSettled(UpdateStep step);
// The candidate is what `current` points to.
bool IsOnTrial(UpdateStep step);

struct Release {
  std::string id;
  std::uint64_t version = 0;  // 0: came without a manifest.
  std::string slot;           // "a" or "b"
  std::string root_keys;      // RootKeysId() of the keys that `version` counts under.
};

struct FailedVersion {
  std::uint64_t version = 0;
  int attempts = 0;
};

struct UpdateRecord {
  UpdateStep step = UpdateStep::kIdle;
  Release installed;
  backend_link::ReleaseOffer offer;  // The last one; its id tells a repeat.
  Release candidate;
  std::string sha256;                     // Of the candidate.
  std::vector<std::string> ready_before;  // Services that have to be ready again.
  int starts = 0;                         // Of the candidate.
  absl::Time deadline = absl::UnixEpoch();
  std::string reason;    // Why it failed.
  bool reported = true;  // The backend knows how it ended.
  // The release that failed may still run: the services are to be started anew.
  bool restart_due = false;
  std::vector<FailedVersion> attempts;
};

std::string OtherSlot(std::string_view slot);

// An attempt is counted when it begins, so that one that ends in a power cut counts. False: an
// update is under way, or the version is blocked; nothing is changed.
bool BeginUpdate(UpdateRecord& record,
                 const backend_link::ReleaseOffer& offer,
                 const backend_link::ReleaseManifest& manifest,
                 const std::string& root_keys);
bool IsBlocked(const UpdateRecord& record, std::uint64_t version);
// UpdateSetting::installed_version under the keys that are pinned now.
std::uint64_t InstalledVersion(const UpdateRecord& record, const std::string& root_keys);

// What happened, with the reason of what failed. False: it cannot happen in this step, and nothing
// is changed.
bool Advance(UpdateRecord& record, UpdateEvent event, absl::Time now, std::string_view reason = "");

// Where the links shall point: `current` is what the services start from, `committed` what was
// healthy last and guards the start of what was not yet.
struct ReleaseLinks {
  std::string current;
  std::string committed;
};

ReleaseLinks LinksOf(const UpdateRecord& record);

std::string SerializeUpdate(const UpdateRecord& record);
// DataLoss: nonsense.
absl::StatusOr<UpdateRecord> ParseUpdate(std::string_view text);

}  // namespace tentacle::agent
