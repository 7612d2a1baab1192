#include "services/agent/core/update_state.h"

#include <algorithm>
#include <utility>

#include "services/agent/limits.h"

namespace tentacle::agent {

namespace {

using Step = UpdateStep;
using On = UpdateEvent;

struct Transition {
  Step from;
  On on;
  Step to;
};

// clang-format off
constexpr Transition kTransitions[] = {
    // from             on                 to
    {Step::kIdle,        On::kOrdered,      Step::kDownloading},
    {Step::kCommitted,   On::kOrdered,      Step::kDownloading},
    {Step::kRolledBack,  On::kOrdered,      Step::kDownloading},
    {Step::kBlocked,     On::kOrdered,      Step::kDownloading},  // Another version.
    {Step::kDownloading, On::kVerified,     Step::kVerified},
    {Step::kVerified,    On::kStaged,       Step::kStaged},
    {Step::kStaged,      On::kSwitch,       Step::kSwitched},
    {Step::kSwitched,    On::kStart,        Step::kProbation},
    {Step::kProbation,   On::kStart,        Step::kProbation},    // Crashed, or the power was cut.
    {Step::kProbation,   On::kHealthy,      Step::kCommitted},
    {Step::kDownloading, On::kFail,         Step::kRolledBack},
    {Step::kVerified,    On::kFail,         Step::kRolledBack},
    {Step::kStaged,      On::kFail,         Step::kRolledBack},
    {Step::kSwitched,    On::kFail,         Step::kRolledBack},
    {Step::kProbation,   On::kFail,         Step::kRolledBack},
    {Step::kDownloading, On::kInterrupted,  Step::kDownloading},
    {Step::kVerified,    On::kInterrupted,  Step::kDownloading},
    {Step::kStaged,      On::kInterrupted,  Step::kDownloading},
    {Step::kSwitched,    On::kInterrupted,  Step::kDownloading},  // The old release asks: not started yet.
};

// clang-format on

struct StepName {
  Step step;
  std::string_view name;
};

constexpr StepName kSteps[] = {
    {Step::kIdle, "idle"},           {Step::kDownloading, "downloading"},
    {Step::kVerified, "verified"},   {Step::kStaged, "staged"},
    {Step::kSwitched, "switched"},   {Step::kProbation, "probation"},
    {Step::kCommitted, "committed"}, {Step::kRolledBack, "rolled_back"},
    {Step::kBlocked, "blocked"},
};

int AttemptsOf(const UpdateRecord& record, std::uint64_t version) {
  for (const FailedVersion& one : record.attempts) {
    if (one.version == version) return one.attempts;
  }
  return 0;
}

void CountAttempt(UpdateRecord& record, std::uint64_t version) {
  const int before = AttemptsOf(record, version);
  std::erase_if(record.attempts, [version](const auto& one) { return one.version == version; });
  record.attempts.push_back({version, before + 1});
  if (record.attempts.size() > limits::kVersionsRemembered) {
    record.attempts.erase(record.attempts.begin());
  }
}

void Settle(UpdateRecord& record, std::string_view reason) {
  record.restart_due = record.step == Step::kProbation;
  record.step = IsBlocked(record, record.candidate.version) ? Step::kBlocked : Step::kRolledBack;
  record.reason = reason;
  record.reported = false;
}

void Commit(UpdateRecord& record) {
  record.installed = record.candidate;
  record.reason.clear();
  record.reported = false;
  std::erase_if(record.attempts, [version = record.candidate.version](const auto& one) {
    return one.version == version;
  });
}

}  // namespace

std::string_view Name(UpdateStep step) {
  for (const auto& row : kSteps) {
    if (row.step == step) return row.name;
  }
  return "";
}

std::optional<UpdateStep> UpdateStepFromName(std::string_view name) {
  for (const auto& row : kSteps) {
    if (row.name == name) return row.step;
  }
  return std::nullopt;
}

std::string_view Name(UpdateEvent event) {
  constexpr std::string_view kNames[] = {"ordered", "verified", "staged", "switch",
                                         "start",   "healthy",  "fail",   "interrupted"};
  return kNames[static_cast<std::size_t>(event)];
}

std::optional<UpdateStep> NextStep(UpdateStep from, UpdateEvent on) {
  for (const auto& row : kTransitions) {
    if (row.from == from && row.on == on) return row.to;
  }
  return std::nullopt;
}

bool IsSettled(UpdateStep step) {
  return step == Step::kIdle || step == Step::kCommitted || step == Step::kRolledBack ||
         step == Step::kBlocked;
}

bool IsOnTrial(UpdateStep step) {
  return step == Step::kSwitched || step == Step::kProbation;
}

std::string OtherSlot(std::string_view slot) {
  return slot == "a" ? "b" : "a";
}

bool IsBlocked(const UpdateRecord& record, std::uint64_t version) {
  return AttemptsOf(record, version) >= limits::kUpdateAttempts;
}

std::uint64_t InstalledVersion(const UpdateRecord& record, const std::string& root_keys) {
  return record.installed.root_keys == root_keys ? record.installed.version : 0;
}

bool BeginUpdate(UpdateRecord& record,
                 const backend_link::ReleaseOffer& offer,
                 const backend_link::ReleaseManifest& manifest,
                 const std::string& root_keys) {
  const auto next = NextStep(record.step, On::kOrdered);
  if (!next || IsBlocked(record, manifest.version)) return false;
  CountAttempt(record, manifest.version);
  record.step = *next;
  record.offer = offer;
  record.candidate = {manifest.release_id, manifest.version, OtherSlot(record.installed.slot),
                      root_keys};
  record.sha256 = manifest.sha256;
  record.ready_before.clear();
  record.starts = 0;
  record.reason.clear();
  record.reported = true;
  record.restart_due = false;
  return true;
}

bool Advance(UpdateRecord& record, UpdateEvent event, absl::Time now, std::string_view reason) {
  const auto next = event == On::kOrdered ? std::nullopt : NextStep(record.step, event);
  if (!next) return false;
  switch (event) {
    case On::kFail:
      Settle(record, reason);
      return true;
    case On::kInterrupted:
      if (IsBlocked(record, record.candidate.version)) {
        Settle(record, "interrupted again and again");
        return true;
      }
      CountAttempt(record, record.candidate.version);
      break;
    case On::kStart:
      if (record.starts == 0) record.deadline = now + limits::kProbation;
      if (record.starts >= limits::kProbationStarts || now >= record.deadline) {
        Settle(record, record.starts >= limits::kProbationStarts
                           ? "the new release ended again and again"
                           : "the new release was not healthy in time");
        return true;
      }
      ++record.starts;
      break;
    case On::kHealthy:
      Commit(record);
      break;
    default:
      break;
  }
  record.step = *next;
  return true;
}

ReleaseLinks LinksOf(const UpdateRecord& record) {
  const std::string& installed = record.installed.slot;
  return {IsOnTrial(record.step) ? record.candidate.slot : installed, installed};
}

}  // namespace tentacle::agent
