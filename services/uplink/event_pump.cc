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
                     Session& session,
                     AckWatch& acks,
                     Peers& peers,
                     Metrics& metrics,
                     const runtime::Clock& clock,
                     runtime::Log log)
    : service_(service),
      session_(session),
      acks_(acks),
      peers_(peers),
      metrics_(metrics),
      clock_(clock),
      log_(std::move(log)),
      delivery_(limits::kInFlightEvents),
      room_(home),
      settle_(home),
      pause_(home) {}

EventPump::~EventPump() {
  metrics_.InFlight(service_, 0);
}

asio::awaitable<absl::Status> EventPump::Carry() {
  retry::Backoff backoff(limits::kPeerBackoff);
  for (;;) {
    if (delivery_.room() == 0) {
      co_await room_.Wait(absl::InfiniteDuration());
      continue;
    }
    const auto page = co_await peers_.FetchEvents(service_, delivery_.after(), delivery_.room());
    if (!page.ok()) {
      // The service is away; one process asks, so its delays need no jitter.
      co_await pause_.Wait(backoff.Next(1.0));
      continue;
    }
    backoff.Reset();
    for (event::v1::Event& event : delivery_.OnFetched(*page)) {
      const absl::Status status = co_await Write(std::move(event));
      if (!status.ok()) co_return status;
    }
    metrics_.InFlight(service_, delivery_.in_flight());
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
  // Before the write: the acknowledgement may be here before the write has returned.
  acks_.OnSent(clock_.Now());
  const absl::Status status = co_await session_.Send(*std::move(message));
  if (status.ok()) delivery_.OnWritten(event.sequence());
  co_return status;
}

bool EventPump::OnAck(const EventId& id) {
  if (!delivery_.OnAck(id.epoch, id.sequence)) return false;
  acks_.OnAck(clock_.Now());
  metrics_.InFlight(service_, delivery_.in_flight());
  room_.Notify();
  settle_.Notify();
  return true;
}

asio::awaitable<absl::Status> EventPump::Confirm() {
  retry::Backoff backoff(limits::kPeerBackoff);
  for (;;) {
    const absl::Time now = clock_.Now();
    if (acks_.IsPlain(now)) {
      delivery_.AcknowledgeWritten();
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
    co_await settle_.Wait(std::max(look - clock_.Now(), absl::ZeroDuration()));
  }
}

asio::awaitable<bool> EventPump::ConfirmOnce() {
  const auto through = delivery_.ConfirmThrough();
  if (!through) co_return true;
  const std::uint64_t before = delivery_.confirmed();
  const absl::Status status = co_await peers_.ConfirmEvents(service_, delivery_.epoch(), *through);
  // InvalidArgument: the log there is another one by now. The next page shows its epoch.
  if (!status.ok() && !absl::IsInvalidArgument(status)) co_return false;
  delivery_.OnConfirmed(*through);
  if (status.ok()) metrics_.Delivered(service_, *through - before);
  co_return true;
}

}  // namespace tentacle::uplink
