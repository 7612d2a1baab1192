// Every limit of pxe, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::pxe::limits {

// More machines than a segment has addresses for are a mistake of the backend.
inline constexpr std::size_t kMaxTasks = 4096;

// DISCOVERs of one boot come 0, 4, 12 and 28 s apart (UEFI); iPXE repeats within 10 s.
inline constexpr absl::Duration kSameBoot = absl::Seconds(60);

// A standby answers when the owner of a task has left so many repetitions of a DISCOVER unanswered:
// 12 s after the first with UEFI, which makes one more attempt after that.
inline constexpr unsigned kUnansweredRetries = 2;
// Repetitions are 4 s apart, 1 s with iPXE; copies of one packet come at once.
inline constexpr absl::Duration kRepetitionApart = absl::Milliseconds(500);
// From the machine's last DISCOVER until its script: a loader over a slow line.
inline constexpr absl::Duration kTakeoverLasts = absl::Minutes(5);
// A machine waits so long for the backend's word whose its task is, and starts from its disk then;
// the backend is told so often that it waits.
inline constexpr absl::Duration kSharedPatience = absl::Minutes(3);
inline constexpr absl::Duration kSharedRetell = absl::Minutes(1);

// A ramdisk that lost the answer may ask again, from the same address.
inline constexpr unsigned kMaxOrderFetches = 3;
inline constexpr absl::Duration kOrderWindow = absl::Minutes(5);
inline constexpr std::size_t kTokenHexDigits = 32;  // 128 bits; fits a kernel command line.

// Answer files hold passwords: they can be had for a while after the machine fetched its script,
// and each a few times, because installers ask twice and lose answers.
inline constexpr absl::Duration kAnswerPatience = absl::Minutes(30);
inline constexpr unsigned kMaxAnswerFetches = 3;
inline constexpr absl::Duration kAnswerWindow = absl::Minutes(10);

// A machine that starts over again and again is stopped: something in it or in its task is wrong.
inline constexpr unsigned kMaxBootsInWindow = 6;
inline constexpr absl::Duration kLoopWindow = absl::Hours(1);

// From its script to the first word of its installer: kernel and initrd over a slow line, a
// self-test in between.
inline constexpr absl::Duration kBootPatience = absl::Minutes(20);

// The clock is set, not slewed, when it moves by more between two looks: slewing is below a tenth
// (ntpd, chronyd).
inline constexpr absl::Duration kClockStep = absl::Seconds(2);

// A deadline is judged by the backend's clock. After so long without it ours has to do.
inline constexpr absl::Duration kBackendTimePatience = absl::Minutes(15);

// How often tasks and boots are looked at for time that is over.
inline constexpr absl::Duration kDeadlineCheck = absl::Seconds(5);

// What an installer says is for one line on a page.
inline constexpr std::size_t kMaxMessageBytes = 500;
inline constexpr std::size_t kMaxCallbackBytes = 16 * 1024;

// Boot loaders are below 2 MiB; what is bigger goes over HTTP, and a ramdisk where nothing else
// can.
inline constexpr std::uint64_t kMaxTftpFileBytes = 128ull << 20;
inline constexpr std::uint32_t kTftpBlockBytes = 512;   // RFC 1350, without blksize.
inline constexpr std::uint32_t kTftpMinBlockBytes = 8;  // RFC 2348.
inline constexpr std::uint32_t kTftpMaxBlockBytes =
    1468;  // Ethernet's MTU less headers: fragments kill ROMs (G31).
inline constexpr std::uint32_t kTftpLargestBlockBytes =
    65'464;                                          // RFC 2348, where the MTU is larger.
inline constexpr std::uint32_t kTftpMaxWindow = 64;  // Blocks; what a client can have lost at once.
inline constexpr absl::Duration kTftpFirstTimeout = absl::Seconds(1);
inline constexpr absl::Duration kTftpMinTimeout =
    absl::Milliseconds(50);  // A client that stops for a moment is not lost.
inline constexpr absl::Duration kTftpMaxTimeout = absl::Seconds(5);
// Without any answer, so that a forged request brings its victim little: 1 + 2 + 4 s. Only an OACK
// is repeated in that time; a block that nobody has acknowledged goes out once for each request
// that comes.
inline constexpr int kTftpSilentTries = 3;
inline constexpr int kTftpTries = 6;  // Of the last block, whose acknowledgement nobody repeats.
// A switch port that comes up, a ROM that erases its flash: no reason to give up.
inline constexpr absl::Duration kTftpGiveUp = absl::Seconds(30);
inline constexpr absl::Duration kTftpTick =
    absl::Milliseconds(10);  // How exactly deadlines are kept.
// Ports that transfers are spread over: more than one, so that a packet of an earlier transfer
// finds none of its number.
inline constexpr std::size_t kTftpPorts = 4;
inline constexpr std::size_t kTftpBatch = 64;
// How long a client that is known to answer so fast is waited for awake, and beside how many
// others.
inline constexpr absl::Duration kTftpSpin = absl::Microseconds(150);
inline constexpr std::size_t kTftpSpinTransfers = 1;
// One address may hold so many transfers; firmware holds one or two.
inline constexpr std::size_t kTftpSessionsPerClient = 4;

// Drivers that WinPE is given: a network card and two disk controllers have a dozen files.
inline constexpr std::size_t kMaxDriverFiles = 64;

// Scripts and orders are small; a machine keeps a connection or two.
inline constexpr std::uint32_t kHttpConnections = 512;
inline constexpr std::uint32_t kHttpConnectionsPerAddress =
    32;  // WinPE fetches a few files at once.

// The cache answers from memory; it may ask the backend for metadata, with its own deadline of 5 s.
inline constexpr absl::Duration kCacheCallTimeout = absl::Seconds(8);
inline constexpr absl::Duration kPullRetry = absl::Seconds(5);

// How soon boot files that were put in place late are noticed.
inline constexpr absl::Duration kBootFilesCheck = absl::Seconds(10);

// How long a list of our addresses is believed.
inline constexpr absl::Duration kAddressesFresh = absl::Seconds(5);

// A loader that came whole so often within this, and no iPXE that says so in between, is a circle.
inline constexpr std::size_t kLoaderLoop = 2;
inline constexpr absl::Duration kLoaderLoopWindow = absl::Seconds(60);

// Of machines that were answered: longer than any boot takes.
inline constexpr absl::Duration kClientKept = absl::Hours(1);
// After an answer to a relay its network's machines may fetch files; the address that such a
// machine gets is not known.
inline constexpr absl::Duration kRelayServed = absl::Minutes(10);
// How long a client whose first block never arrived is given blocks of 512 octets.
inline constexpr absl::Duration kNarrowKept = absl::Minutes(10);

// Boot attempts of machines that are none of ours: told once a minute for each, and so many a
// minute at most.
inline constexpr absl::Duration kSameAttempt = absl::Seconds(60);
inline constexpr std::size_t kAttemptsKept = 1024;
inline constexpr std::size_t kAttemptsPerMinute = 60;

// Datagrams taken at once; then others have their turn.
inline constexpr std::size_t kDhcpBatch = 32;
// Answers that a quirk delays.
inline constexpr std::size_t kMaxDelayed = 256;

// Requests for files of machines that are refused are told so, but not more often: who floods us
// gets silence.
inline constexpr std::size_t kTftpRefusalsPerSecond = 200;
// The kernel's table of neighbours is read once within this, whoever asks.
inline constexpr absl::Duration kNeighboursFresh = absl::Milliseconds(20);
// A list that lacks an interface is read again, but not for every packet.
inline constexpr absl::Duration kAddressesAgain = absl::Milliseconds(100);
inline constexpr int kReceiveBufferBytes = 4 << 20;

}  // namespace tentacle::pxe::limits
