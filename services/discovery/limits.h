// Every limit of discovery, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::discovery::limits {

// Addresses of one sweep. A /20 fits; what is larger is no segment that somebody would want woken
// up by a timer (a container bridge is a /16), so it is left out and named in the log.
inline constexpr std::size_t kMaxScanTargets = 4096;

// The highest pace that is accepted. More than this is not a question to a segment but a load on
// it.
inline constexpr std::uint32_t kMaxProbesPerSecond = 10'000;

// Probes that may be sent in a row after the process was held up, so that a stall is made good
// without a burst that switches would police.
inline constexpr int kMaxCatchUpProbes = 16;

// How often an address is asked in a sweep: once, and the silent once more. ARP is not
// acknowledged; at 1 % loss each way two questions miss 4 hosts in 10,000.
inline constexpr std::uint32_t kScanPasses = 2;

// How long a host may think about the last probe of a pass. Machines that sleep lightly take
// hundreds of milliseconds to answer.
inline constexpr absl::Duration kReplyWait = absl::Seconds(1);

// Devices that are remembered. Some 300 octets each, so 20 MiB at most, also when somebody floods
// the segment with made-up addresses; the one that was silent longest goes first.
inline constexpr std::size_t kMaxDevices = 65'536;

// Devices in one discovery.result: about 100 KiB of JSON, far below the 1 MiB of a frame.
inline constexpr std::size_t kMaxDevicesPerEvent = 500;

// Devices in one answer to ListDevices: 1.5 MB, below the 4 MB that a gRPC client takes unless
// told.
inline constexpr std::size_t kMaxListedDevices = 10'000;

// Requests that may wait for one sweep; each gets a result of its own.
inline constexpr std::size_t kMaxJoinedScans = 16;

// A scan id ends up in events, logs and the backend's tables.
inline constexpr std::size_t kMaxScanIdBytes = 128;

// Interfaces that are watched. A host with more of them should say in its configuration which
// count.
inline constexpr std::size_t kMaxInterfaces = 64;

// How often the host's interfaces are looked at, so that one that comes up later is watched too,
// and what was heard is written to disk. What a crash loses is heard again with the next frame.
inline constexpr absl::Duration kUpkeepInterval = absl::Seconds(15);

// A timed sweep waits this long after the start, so that a service that restarts in a loop asks
// nobody.
inline constexpr absl::Duration kFirstScanDelay = absl::Seconds(5);

// Frames taken from one interface before the others have their turn.
inline constexpr int kMaxFramesPerTurn = 64;

// Octets kept of a frame. ARP over Ethernet needs 42, the rest is padding.
inline constexpr int kCaptureBytes = 128;

// Ring buffer of one capture: an answer takes about 200 octets of it, so a /20 that answers at once
// fits.
inline constexpr int kCaptureBufferBytes = 1 << 20;

// Wake-on-LAN is sent this often, because nobody acknowledges it and the machine's network card is
// the only one that listens.
inline constexpr int kWakeRepeats = 3;
inline constexpr absl::Duration kWakeGap = absl::Milliseconds(100);

// The discard port, which is what firmware and operators expect a magic packet on.
inline constexpr std::uint16_t kWakePort = 9;

}  // namespace tentacle::discovery::limits
