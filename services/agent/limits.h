// Every limit of the agent, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::agent::limits {

// Kept of each output stream of a job. JSON makes six octets of a control character at worst, so
// both streams together stay below 800 KiB and a job.result below the 1 MiB of a frame.
constexpr std::size_t kJobOutputKeptBytes = 64 * 1024;
// A frame holds 1 MiB and escaping may double a script.
constexpr std::size_t kMaxScriptBytes = 512 * 1024;
// The id names a folder: below NAME_MAX (255).
constexpr std::size_t kMaxJobIdBytes = 128;
// PATH_MAX is 4096; nobody's interpreter has a longer path than this.
constexpr std::size_t kMaxInterpreterBytes = 255;
// Two cores are the smallest host; more than this at once only makes all of them late.
constexpr std::size_t kMaxRunningJobs = 4;
// What a backend may have saved up for a host that was away.
constexpr std::size_t kMaxQueuedJobs = 1000;
// When the backend gives none; the platform's own default.
constexpr absl::Duration kDefaultJobTimeout = absl::Minutes(5);
// A job is not a service: who needs a day more writes a unit.
constexpr absl::Duration kMaxJobTimeout = absl::Hours(24);
// From SIGTERM to SIGKILL.
constexpr absl::Duration kTermGrace = absl::Seconds(5);
// For output still in the pipes when the script has ended and something it left behind holds them
// open.
constexpr absl::Duration kDrainGrace = absl::Seconds(1);
// After SIGKILL a process ends at once unless it sits in the kernel; its slot is not held for ever.
constexpr absl::Duration kKillWait = absl::Seconds(10);
// Between attempts to write what the store or the event log refused (disk full).
constexpr absl::Duration kRetryDelay = absl::Seconds(30);
// Reported jobs whose ids are still known, so that a repeat is not run again: a record has 300
// octets.
constexpr std::size_t kJobsRemembered = 10'000;
// Reported jobs whose output GetJob can still show: 25 MiB of disk at worst.
constexpr std::size_t kJobOutputsKept = 100;
// Passes over /proc when a job's processes are hunted down; each pass only meets what was forked
// since.
constexpr int kLeftoverPasses = 10;

// One message with room for its envelope below the 1 MiB of a frame.
constexpr std::size_t kMaxInventoryBytes = 900 * 1024;
// /var/lib/dpkg/status of a desktop with everything has 8 MiB.
constexpr std::size_t kMaxSourceBytes = 32 * 1024 * 1024;
// A name, a version, a serial number; what is longer is cut.
constexpr std::size_t kMaxFieldBytes = 256;
// Entries of /sys/block and /sys/class/net that are looked at; container hosts have hundreds.
constexpr std::size_t kMaxDevices = 1024;
// `systemctl list-units` answers in 50 ms; a hanging manager must not hold the inventory back.
constexpr absl::Duration kUnitsTimeout = absl::Seconds(10);
// 100 KiB on a usual host.
constexpr std::size_t kMaxUnitsBytes = 4 * 1024 * 1024;

// The shortest distance of two samples whatever the configuration says: below it ticks (10 ms) are
// noise.
constexpr absl::Duration kMinMetricsInterval = absl::Seconds(1);

}  // namespace tentacle::agent::limits
