// Which events are under way to the backend, and what may be forgotten. Pure; lives as long as one
// connection: what was not acknowledged in it is fetched again in the next.
#pragma once

#include <tentacle/event/v1/event_service.pb.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "services/uplink/core/service.h"

namespace tentacle::uplink {

// "<service>/<epoch>/<sequence>", the id of an event on the wire.
struct EventId {
  Service service = Service::kUplink;
  std::string epoch;
  std::uint64_t sequence = 0;
};

std::string FormatEventId(const EventId& id);
std::optional<EventId> ParseEventId(std::string_view text);

// Does the peer of this connection acknowledge at all, and does it still?
class AckWatch {
 public:
  AckWatch(absl::Duration plain_after, absl::Duration stall_after)
      : plain_after_(plain_after), stall_after_(stall_after) {}

  void OnSent(absl::Time now);
  // Once for each message that was in flight.
  void OnAck(absl::Time now);

  // The peer said that it does not listen for now: its silence means nothing any more.
  void Suspend() { suspended_ = true; }

  // A peer that has not acknowledged anything for `plain_after` since the first message with an id:
  // it cannot. Its first ack ends that for good.
  bool IsPlain(absl::Time now) const;
  // A peer that has acknowledged before and has been silent for `stall_after`. Ask only while
  // something is in flight.
  bool IsStalled(absl::Time now) const;
  // When one of the two may become true; InfiniteFuture while nothing was sent.
  absl::Time NextLook() const;

 private:
  absl::Duration plain_after_;
  absl::Duration stall_after_;
  std::optional<absl::Time> first_sent_;
  std::optional<absl::Time> waiting_since_;  // The last ack, or what was sent first after it.
  std::size_t waiting_ = 0;
  bool acknowledges_ = false;
  bool suspended_ = false;
};

// The events of one lane of one service.
class Delivery {
 public:
  explicit Delivery(std::size_t window) : window_(window) {}

  // What to ask the log for; nothing while room() is 0.
  std::uint64_t after() const { return after_; }

  std::size_t room() const { return window_ - in_flight_.size(); }

  std::size_t in_flight() const { return in_flight_.size(); }

  const std::string& epoch() const { return epoch_; }

  std::uint64_t confirmed() const { return confirmed_; }

  // Takes a page of the log; returns what is to be written, oldest first. A page of another epoch
  // than the last one means that the log is a new one: everything before is forgotten.
  std::vector<event::v1::Event> OnFetched(const event::v1::FetchEventsResponse& page);

  // The event cannot be put on the wire; it counts as acknowledged.
  void OnUnsendable(std::uint64_t sequence) { Acknowledge(sequence); }

  // False: not in flight (of an earlier connection, or acknowledged twice).
  bool OnAck(std::string_view epoch, std::uint64_t sequence);
  // The event was written to the socket; counts for a plain peer.
  void OnWritten(std::uint64_t sequence);
  // A plain peer: what is written is delivered. Returns how many that were.
  std::size_t AcknowledgeWritten();

  // Through which sequence the log may forget; empty: nothing new. In order, so an acknowledged
  // event behind one that is not waits for it.
  std::optional<std::uint64_t> ConfirmThrough() const;
  void OnConfirmed(std::uint64_t through);

 private:
  struct Entry {
    std::uint64_t sequence = 0;
    bool written = false;
    bool acknowledged = false;
  };

  bool Acknowledge(std::uint64_t sequence);
  void DropAcknowledgedHead();

  std::size_t window_;
  std::string epoch_;
  std::uint64_t after_ = 0;
  std::uint64_t confirmable_ = 0;
  std::uint64_t confirmed_ = 0;
  std::deque<Entry> in_flight_;
};

}  // namespace tentacle::uplink
