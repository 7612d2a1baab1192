#include "services/pxe/core/boot_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tentacle::pxe {

namespace {

struct Silence {
  std::string_view step;
  absl::Duration patience;
  // Around the step's detail.
  std::string_view before;
  std::string_view behind;
};

// Firmware repeats its questions for about a minute; what it loads over a slow line takes longer.
constexpr std::array<Silence, 9> kSilences = {{
    {"offer", absl::Seconds(90), "",
     ", and the machine has not come back for it: it took no offer of ours, never asked "
     "port 4011, or a switch drops our answers"},
    {"boot-server", absl::Seconds(90), "", " on port 4011, and the machine never fetched it"},
    {"tftp", absl::Minutes(2), "",
     ", and then the machine asked for nothing more: the loader does not run on it"},
    {"http", absl::Minutes(2), "",
     ", and then the machine asked for nothing more: the loader does not run on it"},
    {"loader-loop", absl::Minutes(2), "", ", and the machine did not take it"},
    {"script", absl::Minutes(20), "",
     ", and its installer never asked for anything: kernel or initrd could not be loaded "
     "or did not start"},
    {"orders", absl::Minutes(30), "orders were ", ", and the installer has never reported"},
    {"image", absl::Minutes(30), "", " was to be written, and the installer has never reported"},
    {"answer", absl::Hours(1), "", ", and the installer has never reported"},
}};

}  // namespace

absl::Duration BootRecord::Took(std::size_t stage) const {
  if (stage + 1 < stages.size()) return stages[stage + 1].at - stages[stage].at;
  return ended == absl::InfiniteFuture() ? absl::ZeroDuration() : ended - stages[stage].at;
}

std::string SilenceVerdict(const BootStage& last, absl::Time now) {
  for (const Silence& silence : kSilences) {
    if (silence.step != last.step) continue;
    if (now - last.at <= silence.patience) return "";
    // A transfer that failed says so itself.
    const bool failed = last.step == "tftp" && last.detail.find("timed out") != std::string::npos;
    return failed ? last.detail
                  : fmt::format("{}{}{}", silence.before, last.detail, silence.behind);
  }
  return "";
}

BootRecord* BootRecords::Open(const wire::MacAddress& mac) {
  const auto at = boots_.find(mac);
  if (at == boots_.end() || at->second.empty()) return nullptr;
  BootRecord& newest = at->second.back();
  return newest.ended == absl::InfiniteFuture() ? &newest : nullptr;
}

namespace {

// As it is kept and told: what is read back after a restart is the same.
absl::Time Whole(absl::Time now) {
  return absl::FromUnixMillis(absl::ToUnixMillis(now));
}

}  // namespace

void BootRecords::MakeRoom() {
  if (boots_.size() <= kMaxMachines) return;
  const auto older = [](const auto& a, const auto& b) {
    return a.second.back().stages.back().at < b.second.back().stages.back().at;
  };
  const auto oldest = std::min_element(boots_.begin(), boots_.end(), older);
  changed_.insert(oldest->first);
  boots_.erase(oldest);
}

void BootRecords::Note(const wire::MacAddress& mac,
                       std::string_view task_id,
                       std::string_view hostname,
                       std::string_view step,
                       std::string_view detail,
                       absl::Time now) {
  std::deque<BootRecord>& boots = boots_[mac];
  BootRecord* record = Open(mac);
  const bool reopened = record == nullptr && !boots.empty() && !boots.back().complete &&
                        step != "offer" && boots.back().task_id == task_id;
  if (reopened) {
    record = &boots.back();
    record->ended = absl::InfiniteFuture();
    record->verdict.clear();
  }
  if (record == nullptr) {
    if (boots.size() >= kMaxBoots) boots.pop_front();
    BootRecord fresh;
    fresh.mac = mac;
    boots.push_back(std::move(fresh));
    record = &boots.back();
  }
  record->task_id = std::string(task_id);
  record->hostname = std::string(hostname);
  BootStage stage{Whole(now), std::string(step), std::string(detail)};
  if (record->stages.size() >= kMaxStages) {
    record->stages.back() = std::move(stage);
  } else {
    record->stages.push_back(std::move(stage));
  }
  changed_.insert(mac);
  MakeRoom();
}

std::vector<BootRecord> BootRecords::BeginAnew(const wire::MacAddress& mac, absl::Time now) {
  const BootRecord* record = Open(mac);
  if (record == nullptr) return {};
  const BootStage& last = record->stages.back();
  return Close(mac,
               fmt::format("the machine started over after \"{}\": {}", last.step, last.detail),
               false, now);
}

std::vector<BootRecord> BootRecords::Close(const wire::MacAddress& mac,
                                           std::string_view verdict,
                                           bool complete,
                                           absl::Time now) {
  BootRecord* record = Open(mac);
  if (record == nullptr) return {};
  record->verdict = std::string(verdict);
  record->complete = complete;
  record->ended = Whole(now);
  changed_.insert(mac);
  return {*record};
}

void BootRecords::ClockStepped(absl::Duration by) {
  for (auto& [mac, boots] : boots_) {
    BootRecord* record = Open(mac);
    if (record == nullptr) continue;
    for (BootStage& stage : record->stages)
      stage.at = Whole(stage.at + by);
    changed_.insert(mac);
  }
}

std::vector<BootRecord> BootRecords::CloseSilent(absl::Time now) {
  std::vector<BootRecord> closed;
  for (auto& [mac, boots] : boots_) {
    BootRecord* record = Open(mac);
    if (record == nullptr) continue;
    const std::string verdict = SilenceVerdict(record->stages.back(), now);
    if (verdict.empty()) continue;
    record->verdict = verdict;
    record->ended = Whole(now);
    changed_.insert(mac);
    closed.push_back(*record);
  }
  return closed;
}

void BootRecords::Restore(std::vector<BootRecord> boots) {
  for (BootRecord& boot : boots) {
    std::deque<BootRecord>& of_machine = boots_[boot.mac];
    if (of_machine.size() >= kMaxBoots) of_machine.pop_front();
    of_machine.push_back(std::move(boot));
    MakeRoom();
  }
}

std::vector<BootRecord> BootRecords::Of(const wire::MacAddress& mac) const {
  const auto at = boots_.find(mac);
  if (at == boots_.end()) return {};
  return {at->second.begin(), at->second.end()};
}

std::vector<BootRecord> BootRecords::List() const {
  std::vector<BootRecord> all;
  for (const auto& [mac, boots] : boots_)
    all.insert(all.end(), boots.begin(), boots.end());
  const auto newer = [](const BootRecord& a, const BootRecord& b) {
    return a.started() > b.started();
  };
  std::stable_sort(all.begin(), all.end(), newer);
  return all;
}

}  // namespace tentacle::pxe
