// Every limit of the agent, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::agent::limits {

// Kept of each output stream of a job. JSON makes six octets of a control character at worst, so
// both streams together stay below 800 KiB and a job.result below the 1 MiB of a frame.
constexpr std::size_t kJobOutputKeptBytes = 64 * 1024;
// Two cores are the smallest host; more than this at once only makes all of them late.
constexpr std::size_t kMaxRunningJobs = 4;
// What a backend may have saved up for a host that was away.
constexpr std::size_t kMaxQueuedJobs = 1000;
// Ceilings of a job whose order names none: a job that runs away takes its half of the host and no
// more. A shell pipeline has a dozen processes, a parallel build some hundred.
constexpr std::uint64_t kJobMemoryShare = 2;  // Of the host's memory, its half.
constexpr std::uint32_t kJobProcesses = 1024;
// An order that expires may come from a backend whose clock is ahead, or arrive at a host whose is.
constexpr absl::Duration kClockTolerance = absl::Minutes(5);
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

// Shells that are open at once: several people and their scripts, and 8 x 768 KiB of output under
// way at the very worst (every octet a control character).
constexpr std::size_t kMaxShells = 8;
// An order of a shell is used within seconds; the backend's are good for a minute.
constexpr absl::Duration kShellOrderLongest = absl::Hours(1);
// From an order's expiry until its use is forgotten: the clock of a host without a battery jumps.
constexpr absl::Duration kShellOrderMemory = absl::Hours(24);
// One shell every nine seconds for a day; 60 octets each.
constexpr std::size_t kShellOrdersRemembered = 10'000;
// Octets of a shell's output that may be under way until its viewer has them: a full line of 10
// Mbit/s over a round trip of 100 ms.
constexpr std::size_t kShellWindowBytes = 128 * 1024;
// Octets typed that the shell has not read: a screenful of paste is less than half of it.
constexpr std::size_t kShellInputBytes = 64 * 1024;
constexpr absl::Duration kShellIdle = absl::Minutes(15);
constexpr absl::Duration kShellLongest = absl::Hours(8);
// From SIGHUP to SIGKILL.
constexpr absl::Duration kShellGrace = absl::Seconds(5);
// For so long a new size is put in force again when the shell has undone it: readline reads the
// size and writes it back as it begins, and a page sends its own at that moment.
constexpr absl::Duration kResizeHeld = absl::Seconds(2);
// A session is recorded or it is not: at its limit it ends. Hours of work are a few MiB.
constexpr std::uint64_t kMaxRecordingBytes = 32 * 1024 * 1024;
// A chunk of a recording is an event: escaped once more it stays below a frame.
constexpr std::size_t kRecordingChunkBytes = 128 * 1024;
// At most so much of a session is lost when the agent is killed.
constexpr absl::Duration kRecordingDelay = absl::Seconds(1);

// Who looks on at jobs and figures; each has a window of kShellWindowBytes.
constexpr std::size_t kMaxWatches = 16;
// Seconds that a watched job may take from the backend to this agent.
constexpr int kWatchedJobArrival = 60;
// Ten minutes of figures; a page that is still there asks again.
constexpr int kMaxLiveSamples = 600;
// Frames of the live channel that wait for uplink, of all shells and watched jobs.
constexpr std::size_t kMaxLiveBytes = 8 * 1024 * 1024;
// A page of them, below the 4 MiB of a gRPC message.
constexpr std::size_t kLivePageBytes = 256 * 1024;
constexpr absl::Duration kMaxLiveWait = absl::Seconds(30);
// uplink fetches at least every 20 s while it has a connection.
constexpr absl::Duration kLiveLinkSilence = absl::Seconds(60);

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
// `apt-get -s upgrade` reads all lists: a second on a Raspberry Pi; rpm its database.
constexpr absl::Duration kToolTimeout = absl::Seconds(30);
// A disk answers within a second, one behind a busy controller within five; one that hangs is left.
constexpr absl::Duration kSmartTimeout = absl::Seconds(10);
constexpr std::size_t kMaxSmartDevices = 64;
// A line that somebody can read; a stack trace fits.
constexpr std::size_t kMaxJournalMessageBytes = 2 * 1024;
// Of journalctl's output at once: some 500 entries of 1 to 2 KiB each with all their fields.
constexpr std::size_t kMaxJournalBytes = 1024 * 1024;
// Entries of an event: at their longest, escaped, they stay below a frame.
constexpr std::size_t kMaxJournalBatch = 50;
constexpr absl::Duration kMinJournalInterval = absl::Seconds(1);
// One process asks for all of them.
constexpr std::size_t kMaxWatchedUnits = 100;
// 100 KiB on a usual host.
constexpr std::size_t kMaxUnitsBytes = 4 * 1024 * 1024;

// An executable has 30 MiB, with symbols 400; 5 GiB are none.
constexpr std::uint64_t kMaxReleaseBytes = 1024ull * 1024 * 1024;
// A manifest that is older is what somebody holds on to (TUF's freeze), whatever it says itself.
constexpr absl::Duration kManifestLongest = absl::Hours(24 * 30);
// The clock of a host without a battery stands still while it is off.
constexpr absl::Duration kManifestClockTolerance = absl::Hours(24);
// Between two releases; with dates for versions (2026112601) a hundred years.
constexpr std::uint64_t kMaxVersionStep = 100'000'000;
// Attempts of a version; then it is blocked. RAUC's boot-attempts are 3, too.
constexpr int kUpdateAttempts = 3;
// Versions whose attempts are known; the oldest go.
constexpr std::size_t kVersionsRemembered = 16;
// From the first start of a new release until it must be healthy and connected.
constexpr absl::Duration kProbation = absl::Seconds(120);
// Starts of a new release within its probation, the first one included.
constexpr int kProbationStarts = 5;
// Times in a row that everything must be ready: a service that crashes again and again is at times.
constexpr int kHealthyLooks = 3;
constexpr absl::Duration kHealthInterval = absl::Seconds(2);
// Slow retrieval: less than this in so long breaks off a download; all of it must be over within an
// hour.
constexpr std::uint64_t kRetrievalLeastBytes = 60 * 1024;
constexpr absl::Duration kRetrievalWindow = absl::Seconds(60);
constexpr absl::Duration kReleaseLongest = absl::Hours(1);
// The cache says 503 while it has nothing yet; a line that is down over night brings it no more.
constexpr int kReleaseFetches = 20;
// A service that takes longer to say whether it is ready is not.
constexpr absl::Duration kReadyTimeout = absl::Seconds(3);
// The record of updates: two texts of a release and their order.
constexpr std::size_t kMaxUpdateRecordBytes = 128 * 1024;

// The shortest distance of two samples whatever the configuration says: below it ticks (10 ms) are
// noise.
constexpr absl::Duration kMinMetricsInterval = absl::Seconds(1);

}  // namespace tentacle::agent::limits
