// Every limit of discovery, with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace tentacle::discovery::limits {

// Addresses of one sweep. A /20 fits; what is larger is no segment that somebody would want woken
// up by a timer (a container bridge is a /16), so it is left out and named in the log,
inline constexpr std::size_t kMaxScanTargets = 4096;

// unless the owner of the box has said discovery.allow_large_networks: then a /16 fits. Eight
// octets each.
inline constexpr std::size_t kMaxLargeScanTargets = 65'536;

// The highest pace that is accepted. More than this is not a question to a segment but a load on
// it.
inline constexpr std::uint32_t kMaxProbesPerSecond = 10'000;

// Probes that may be sent in a row after the process was held up, so that a stall is made good
// without a burst that switches would police.
inline constexpr int kMaxCatchUpProbes = 16;

// How often an address is asked in a sweep: once, and the silent once more. ARP is not
// acknowledged. Who answers the second question only has lost the first, so the share of those is
// the line's loss, and the silent are asked again until fewer than kExpectedMisses hosts are still
// unheard of by that measure,
inline constexpr std::uint32_t kMinScanPasses = 2;
inline constexpr double kExpectedMisses = 0.002;
// with what is usual counted like so many more questions, so that one that is lost costs one more
// pass and not five where two hosts live,
inline constexpr double kUsualLoss = 0.015;
inline constexpr double kUsualLossWeight = 10;
// but not more often than this: at 10 % loss each way ten questions miss one host in 16 million.
inline constexpr std::uint32_t kMaxScanPasses = 10;

// How long a host may think about the first probe of a sweep. Machines that sleep lightly take
// hundreds of milliseconds to answer; who is later than that is still heard, only not in this
// result. Who lost the first probe has this long for the last one.
inline constexpr absl::Duration kReplyWait = absl::Milliseconds(500);
inline constexpr absl::Duration kRepeatWait = absl::Milliseconds(200);

// Between two passes less is enough, because the next one asks anew.
inline constexpr absl::Duration kPassWait = absl::Milliseconds(50);

// Devices that are remembered. Some 700 octets each, so 45 MiB at most, also when somebody floods
// the segment with made-up addresses; the one that was silent longest goes first.
inline constexpr std::size_t kMaxDevices = 65'536;

// Devices in one discovery.result: about 100 KiB of JSON, far below the 1 MiB of a frame.
inline constexpr std::size_t kMaxDevicesPerEvent = 500;

// Octets of the devices of one event, for those that tell much about themselves.
inline constexpr std::size_t kMaxEventDeviceBytes = 256 * 1024;

// Devices that are written to disk at once: more of them are in memory three times meanwhile, as
// records, as messages and in the database's batch.
inline constexpr std::size_t kMaxDevicesPerWrite = 250;

// Devices in the graph. More than these nobody can look at, and their event would not fit into a
// frame.
inline constexpr std::size_t kMaxTopologyDevices = 1'000;

// The segment as a whole goes up at most this often.
inline constexpr absl::Duration kSegmentReportEvery = absl::Minutes(1);

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

// Octets kept of a frame: a whole one of the usual MTU with two VLAN tags. What is longer
// (multicast DNS may be) is cut and then no message any more.
inline constexpr int kCaptureBytes = 1522;

// Ring buffer of one capture. With frames of its own size each it holds 2,000, a tenth of a second
// of 20,000 frames a second.
inline constexpr int kCaptureBufferBytes = 4 << 20;

// Wake-on-LAN is sent this often, because nobody acknowledges it and the machine's network card is
// the only one that listens.
inline constexpr int kWakeRepeats = 3;
inline constexpr absl::Duration kWakeGap = absl::Milliseconds(100);

// How long it is watched whether a machine wakes. Firmware, a disk check and a system take this
// long.
inline constexpr absl::Duration kWakeWatch = absl::Minutes(3);
inline constexpr absl::Duration kWakeProbeEvery = absl::Seconds(2);
// Who answers within this time of being asked was awake already.
inline constexpr absl::Duration kWakeAskFirst = absl::Milliseconds(300);
// Machines that are watched at once; the outcomes that are kept for who asks.
inline constexpr std::size_t kMaxWakes = 256;
// One machine is woken at most this often; all together a burst for a room of machines, then one a
// second.
inline constexpr absl::Duration kWakeEvery = absl::Seconds(1);
inline constexpr double kWakeBurst = 30;

// A port scan keeps so many connections open at once, to one device and in all, and gives each so
// long. On a segment who is there answers within milliseconds; who says nothing drops packets.
inline constexpr std::size_t kMaxConnectionsPerHost = 32;
inline constexpr std::size_t kMaxConnections = 128;
inline constexpr absl::Duration kConnectTimeout = absl::Milliseconds(700);
// How long a service may take to greet, and how much of it is kept.
inline constexpr absl::Duration kBannerWait = absl::Milliseconds(400);
inline constexpr std::size_t kMaxBannerBytes = 120;
// Connections that are opened in a second: with 84 octets on the wire each a quarter of a line of
// 100 Mbit/s. How many are open at once slows the scan of hosts that answer slowly.
inline constexpr double kMaxConnectsPerSecond = 40'000;
// What was not used of that lately may be used at once.
inline constexpr absl::Duration kConnectBurst = absl::Milliseconds(20);
// Threads of a scan. A second one takes half of the time; a third would only take from others.
inline constexpr std::size_t kConnectLanes = 2;
// How long a thread waits for connections that another one has to end.
inline constexpr absl::Duration kConnectTick = absl::Milliseconds(5);

// Discard, which is what firmware and operators expect a magic packet on, and echo, which some
// cards do.
inline constexpr std::uint16_t kWakePorts[] = {9, 7};

// Texts that strangers send. A DNS label has 63 octets, a host name 255 at most; more of it is no
// help to a reader.
inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr std::size_t kMaxFingerprintBytes = 255;
inline constexpr std::size_t kMaxClientIdBytes = 64;
inline constexpr std::size_t kMaxDescriptionBytes = 255;

// A name that nobody has repeated for so long yields to one that somebody has.
inline constexpr absl::Duration kNameAge = absl::Hours(24 * 30);

// Addresses that are remembered of one card. A host with more of them is a router or an attack.
inline constexpr std::size_t kMaxAddressesPerDevice = 8;

// Cards that are one device: a machine has a handful; a thousand made-up addresses with one name
// are no machine.
inline constexpr std::size_t kMaxFoldedCards = 16;

// DHCP servers that are remembered. A segment has one or two; more are an attack, and the one
// silent longest goes.
inline constexpr std::size_t kMaxDhcpServers = 64;

// Servers heard within this time after the first one are taken for the segment's own: pairs of
// servers are common, and both speak within an hour.
inline constexpr absl::Duration kDhcpLearning = absl::Hours(1);
// So many of them: more are made up, and must not make the segment's own ones forgotten.
inline constexpr std::ptrdiff_t kMaxLearnedServers = 8;

// One alert a server an hour, and so many in all, because an attacker can make up servers.
inline constexpr absl::Duration kRogueAlertEvery = absl::Hours(1);
inline constexpr std::size_t kMaxRogueAlertsPerHour = 20;

// Neighbours that speak LLDP or CDP. A port sees one switch, behind a hub a few.
inline constexpr std::size_t kMaxNeighbours = 64;

// Addresses whose holders are compared: one for each device and some more.
inline constexpr std::size_t kMaxClaims = 65'536;

// When there are as many, the old ones are looked for at most this often: a flood of made-up
// addresses must not become a search for each of them.
inline constexpr absl::Duration kClaimsSweptEvery = absl::Minutes(1);

// Two cards that speak for one address within this time both have it; a card that got it from
// another one by DHCP does not hear from that one again.
inline constexpr absl::Duration kClaimOverlap = absl::Minutes(10);
inline constexpr absl::Duration kClaimAtOnce = absl::Seconds(1);
inline constexpr absl::Duration kConflictAlertEvery = absl::Hours(1);

// Unasked-for new cards in a minute that are still a working day's beginning; beyond it somebody
// makes them up.
inline constexpr std::size_t kMaxNewCardsPerMinute = 300;

// Hosts that are pinged: each has a history of 1.3 KiB.
inline constexpr std::size_t kMaxPingTargets = 1024;

// How often it is told how they answered, when nothing else is to be told of the segment.
inline constexpr absl::Duration kPingReportEvery = absl::Minutes(15);

// How often their histories are written to disk: 1.3 MiB at most. A crash loses the counts since.
inline constexpr absl::Duration kPingSaveEvery = absl::Minutes(10);

// Without timed sweeps nobody is gone before a day of silence.
inline constexpr absl::Duration kGoneWithoutSweeps = absl::Hours(24);

// Ports of one scan, as the configuration is checked for.
inline constexpr std::size_t kMaxPorts = 1024;

// What changed goes up in one event every so often, so that a busy segment does not become a busy
// line.
inline constexpr absl::Duration kReportEvery = absl::Seconds(5);

}  // namespace tentacle::discovery::limits
