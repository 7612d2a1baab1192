// What each machine's boot went through, from its first DISCOVER to the end, and in one sentence
// where it stopped. Pure.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/time/time.h>

#include "libs/wire/mac_address.h"

namespace tentacle::pxe {

struct BootStage {
  absl::Time at;
  // In the words of task.timeline: "offer", "tftp", "script", "answer", "booted", …
  std::string step;
  std::string detail;
};

struct BootRecord {
  wire::MacAddress mac;
  std::string task_id;
  std::string hostname;
  std::vector<BootStage> stages;  // At least one; at most kMaxStages.
  // How it ended, in one sentence; empty while it goes on.
  std::string verdict;
  bool complete = false;
  absl::Time ended = absl::InfiniteFuture();

  absl::Time started() const { return stages.front().at; }

  // Until the next stage, or until the end; nothing has followed the last one of a boot that goes
  // on.
  absl::Duration Took(std::size_t stage) const;
};

class BootRecords {
 public:
  static constexpr std::size_t kMaxMachines = 1024;
  static constexpr std::size_t kMaxBoots = 4;  // Of one machine.
  // A loop repeats itself; the first stages and the last one are kept.
  static constexpr std::size_t kMaxStages = 64;

  // A step of the machine's boot; begins a record when none is open. A record that was closed for
  // silence is opened again by a machine that was only slow.
  void Note(const wire::MacAddress& mac,
            std::string_view task_id,
            std::string_view hostname,
            std::string_view step,
            std::string_view detail,
            absl::Time now);
  // The machine has begun anew: what was open ends with a sentence. Returns it, when there was one.
  std::vector<BootRecord> BeginAnew(const wire::MacAddress& mac, absl::Time now);
  // The end; nothing when no record is open.
  std::vector<BootRecord> Close(const wire::MacAddress& mac,
                                std::string_view verdict,
                                bool complete,
                                absl::Time now);
  // Closes what has been silent for longer than its last step allows, and returns it.
  std::vector<BootRecord> CloseSilent(absl::Time now);

  // The clock was set: the stages of boots that go on move with it.
  void ClockStepped(absl::Duration by);

  // The newest first.
  std::vector<BootRecord> List() const;

  // What was written down before a restart, the oldest of a machine first.
  void Restore(std::vector<BootRecord> boots);

  // Machines whose boots are others than at the last call; and the boots of one, the newest last.
  std::set<wire::MacAddress> TakeChanged() { return std::exchange(changed_, {}); }

  std::vector<BootRecord> Of(const wire::MacAddress& mac) const;

 private:
  BootRecord* Open(const wire::MacAddress& mac);
  void MakeRoom();

  std::map<wire::MacAddress, std::deque<BootRecord>> boots_;  // The newest at the back.
  std::set<wire::MacAddress> changed_;
};

// Why a boot whose last step was `last` stopped there, or "" while it may still go on. Stages of an
// installation have deadlines of their own (boot_deadline.h) and are not judged here.
std::string SilenceVerdict(const BootStage& last, absl::Time now);

}  // namespace tentacle::pxe
