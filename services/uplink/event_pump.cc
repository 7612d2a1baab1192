#include "services/uplink/event_pump.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libs/text/view.h"
#include "services/uplink/core/reports.h"
#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace asio = boost::asio;

EventPump::EventPump(asio::any_io_executor home,
                     Service service,
                     events::Priority lane,
                     Session& session,
                     EventGate& gate,
                     AckWatch& acks,
                     Peers& peers,
                     Metrics& metrics,
                     const runtime::Clock& clock,
                     runtime::Log log)
    : service_(service),
      lane_(lane),
      session_(session),
      gate_(gate),
      acks_(acks),
      peers_(peers),
      metrics_(metrics),
      clock_(clock),
      log_(std::move(log)),
      delivery_(limits::kMaxWindow),
      room_(home),
      settle_(home),
      pause_(home) {}

EventPump::~EventPump() {
  metrics_.InFlight(service_, lane_, 0);
}

asio::awaitable<absl::Status> EventPump::Carry() {
  retry::Backoff backoff(limits::kPeerBackoff);
  for (;;) {
    if (delivery_.room() == 0) {
      co_await room_.Wait(absl::InfiniteDuration());
      continue;
    }
    const auto page =
        co_await peers_.FetchEvents(service_, lane_, delivery_.after(), delivery_.room());
    if (!page.ok()) {
      // The service is away; one process asks, so its delays need no jitter.
      co_await pause_.Wait(backoff.Next(1.0));
      continue;
    }
    backoff.Reset();
    std::vector<event::v1::Event> events = delivery_.OnFetched(*page);
    metrics_.InFlight(service_, lane_, delivery_.in_flight());
    for (event::v1::Event& event : events) {
      const absl::Status status = co_await Write(std::move(event));
      if (!status.ok()) co_return status;
    }
    settle_.Notify();
  }
}

asio::awaitable<absl::Status> EventPump::Write(event::v1::Event event) {
  const EventId id{service_, delivery_.epoch(), event.sequence()};
  auto message = EventMessage(id, event);
  if (!message.ok()) {
    metrics_.Unsendable(service_);
    log_.Error("uplink.event_unsendable", {{"id", FormatEventId(id)},
                                           {"type", event.type()},
                                           {"task", event.correlation_id()},
                                           {"reason", text::Message(message.status())}});
    delivery_.OnUnsendable(event.sequence());
    settle_.Notify();
    co_return absl::OkStatus();
  }
  const bool entered = co_await gate_.Enter(lane_);
  if (!entered) co_return absl::CancelledError("stopped");
  // Before the write: the acknowledgement may be here before the write has returned.
  acks_.OnSent(clock_.Steady());
  const absl::Status status = co_await session_.Send(*std::move(message));
  if (!status.ok()) co_return status;
  delivery_.OnWritten(event.sequence());
  // Not only behind a page: with a plain peer a page may be longer than what may be under way, and
  // nothing else makes room.
  settle_.Notify();
  co_return absl::OkStatus();
}

bool EventPump::OnAck(const EventId& id) {
  if (id.service != service_ || !delivery_.OnAck(id.epoch, id.sequence)) return false;
  acks_.OnAck(clock_.Steady());
  gate_.Leave(1);
  metrics_.InFlight(service_, lane_, delivery_.in_flight());
  room_.Notify();
  settle_.Notify();
  return true;
}

asio::awaitable<absl::Status> EventPump::Confirm() {
  retry::Backoff backoff(limits::kPeerBackoff);
  for (;;) {
    // A step of the clock must not make a peer plain: what is written would count as delivered.
    const absl::Time now = clock_.Steady();
    if (acks_.IsPlain(now)) {
      gate_.Leave(delivery_.AcknowledgeWritten());
      metrics_.InFlight(service_, lane_, delivery_.in_flight());
      room_.Notify();
    }
    if (acks_.IsStalled(now)) {
      session_.Close();
      co_return absl::UnavailableError("the backend has stopped acknowledging");
    }
    const bool confirmed = co_await ConfirmOnce();
    if (!confirmed) {
      co_await pause_.Wait(backoff.Next(1.0));
      continue;
    }
    backoff.Reset();
    // A peer that is plain needs no second look: what is written next notifies.
    const absl::Time look = acks_.IsPlain(now) ? absl::InfiniteFuture() : acks_.NextLook();
    co_await settle_.Wait(std::max(look - clock_.Steady(), absl::ZeroDuration()));
  }
}

asio::awaitable<bool> EventPump::ConfirmOnce() {
  const auto through = delivery_.ConfirmThrough();
  if (!through) co_return true;
  const std::uint64_t before = delivery_.confirmed();
  const absl::Status status =
      co_await peers_.ConfirmEvents(service_, lane_, delivery_.epoch(), *through);
  // InvalidArgument: the log there is another one by now. The next page shows its epoch.
  if (!status.ok() && !absl::IsInvalidArgument(status)) co_return false;
  delivery_.OnConfirmed(*through);
  if (status.ok()) metrics_.Delivered(service_, lane_, *through - before);
  co_return true;
}

}  // namespace tentacle::uplink
