#include "services/uplink/core/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tentacle::uplink {

std::string FormatEventId(const EventId& id) {
  return fmt::format("{}/{}/{}", ServiceName(id.service), id.epoch, id.sequence);
}

std::optional<EventId> ParseEventId(std::string_view text) {
  const std::size_t first = text.find('/');
  const std::size_t last = text.rfind('/');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto service = ServiceFromName(text.substr(0, first));
  const std::string_view number = text.substr(last + 1);
  EventId id;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), id.sequence);
  if (!service || error != std::errc() || end != number.data() + number.size()) {
    return std::nullopt;
  }
  id.service = *service;
  id.epoch = std::string(text.substr(first + 1, last - first - 1));
  return id;
}

void AckWatch::OnSent(absl::Time now) {
  if (!first_sent_) first_sent_ = now;
  if (waiting_++ == 0) waiting_since_ = now;
}

void AckWatch::OnAck(absl::Time now) {
  acknowledges_ = true;
  if (waiting_ > 0) --waiting_;
  waiting_since_.reset();
  if (waiting_ > 0) waiting_since_ = now;
}

bool AckWatch::IsPlain(absl::Time now) const {
  return first_sent_ && !acknowledges_ && !suspended_ && now - *first_sent_ >= plain_after_;
}

bool AckWatch::IsStalled(absl::Time now) const {
  return acknowledges_ && !suspended_ && waiting_since_ && now - *waiting_since_ >= stall_after_;
}

absl::Time AckWatch::NextLook() const {
  if (!waiting_since_ || suspended_) return absl::InfiniteFuture();
  return acknowledges_ ? *waiting_since_ + stall_after_ : *first_sent_ + plain_after_;
}

std::vector<event::v1::Event> Delivery::OnFetched(const event::v1::FetchEventsResponse& page) {
  if (page.epoch() != epoch_) {
    const bool first_page = epoch_.empty();
    epoch_ = page.epoch();
    in_flight_.clear();
    confirmable_ = confirmed_ = page.confirmed_sequence();
    // The page was asked for with a cursor of the old log; only a first one was asked for from the
    // start.
    if (!first_page) {
      after_ = 0;
      return {};
    }
  }
  std::vector<event::v1::Event> events;
  for (const event::v1::Event& event : page.events()) {
    if (event.sequence() <= after_ || room() == 0) continue;
    after_ = event.sequence();
    in_flight_.push_back({.sequence = event.sequence()});
    events.push_back(event);
  }
  return events;
}

bool Delivery::OnAck(std::string_view epoch, std::uint64_t sequence) {
  return epoch == epoch_ && Acknowledge(sequence);
}

void Delivery::OnWritten(std::uint64_t sequence) {
  for (Entry& entry : in_flight_) {
    if (entry.sequence == sequence) entry.written = true;
  }
}

std::size_t Delivery::AcknowledgeWritten() {
  std::size_t count = 0;
  for (Entry& entry : in_flight_) {
    if (entry.acknowledged || !entry.written) continue;
    entry.acknowledged = true;
    ++count;
  }
  DropAcknowledgedHead();
  return count;
}

std::optional<std::uint64_t> Delivery::ConfirmThrough() const {
  if (confirmable_ <= confirmed_) return std::nullopt;
  return confirmable_;
}

void Delivery::OnConfirmed(std::uint64_t through) {
  confirmed_ = std::max(confirmed_, through);
}

bool Delivery::Acknowledge(std::uint64_t sequence) {
  for (Entry& entry : in_flight_) {
    if (entry.sequence != sequence || entry.acknowledged) continue;
    entry.acknowledged = true;
    DropAcknowledgedHead();
    return true;
  }
  return false;
}

void Delivery::DropAcknowledgedHead() {
  while (!in_flight_.empty() && in_flight_.front().acknowledged) {
    confirmable_ = std::max(confirmable_, in_flight_.front().sequence);
    in_flight_.pop_front();
  }
}

}  // namespace tentacle::uplink
