#include "libs/events/event_service.h"

#include <tentacle/event/v1/event_service.grpc.pb.h>

#include <algorithm>

#include "libs/rpc/serve.h"

namespace tentacle::events {

namespace {

namespace asio = boost::asio;
using event::v1::ConfirmEventsRequest;
using event::v1::ConfirmEventsResponse;
using event::v1::FetchEventsRequest;
using event::v1::FetchEventsResponse;

constexpr std::size_t kMaxEventsPerFetch = 256;
constexpr absl::Duration kMaxWait = absl::Seconds(30);

class EventServiceImpl final : public event::v1::EventService::CallbackService {
 public:
  EventServiceImpl(asio::any_io_executor home, EventLog& log) : home_(std::move(home)), log_(log) {}

  grpc::ServerUnaryReactor* FetchEvents(grpc::CallbackServerContext* context,
                                        const FetchEventsRequest* request,
                                        FetchEventsResponse* response) override {
    return rpc::Serve<FetchEventsRequest, FetchEventsResponse>(
        home_, context, request, response,
        [this](const FetchEventsRequest& r) { return Fetch(r); });
  }

  grpc::ServerUnaryReactor* ConfirmEvents(grpc::CallbackServerContext* context,
                                          const ConfirmEventsRequest* request,
                                          ConfirmEventsResponse* response) override {
    return rpc::Serve<ConfirmEventsRequest, ConfirmEventsResponse>(
        home_, context, request, response,
        [this](const ConfirmEventsRequest& r) { return Confirm(r); });
  }

 private:
  asio::awaitable<absl::StatusOr<FetchEventsResponse>> Fetch(FetchEventsRequest request) {
    const std::size_t max = std::clamp<std::size_t>(request.max_events(), 1, kMaxEventsPerFetch);
    const absl::Duration wait =
        absl::Seconds(request.wait().seconds()) + absl::Nanoseconds(request.wait().nanos());
    auto events = co_await log_.Fetch(request.lane(), request.after_sequence(), max,
                                      std::min(wait, kMaxWait));
    if (!events.ok()) co_return events.status();
    FetchEventsResponse response;
    for (Event& event : *events)
      *response.add_events() = std::move(event);
    const LaneView view = log_.View(request.lane());
    response.set_epoch(view.epoch);
    response.set_confirmed_sequence(view.confirmed);
    response.set_last_sequence(view.last);
    response.set_thinned(view.thinned);
    co_return response;
  }

  asio::awaitable<absl::StatusOr<ConfirmEventsResponse>> Confirm(ConfirmEventsRequest request) {
    absl::Status status = co_await log_.Confirm(request.epoch(), request.through_sequence());
    if (!status.ok()) co_return status;
    co_return ConfirmEventsResponse();
  }

  asio::any_io_executor home_;
  EventLog& log_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventService(asio::any_io_executor home, EventLog& log) {
  return std::make_unique<EventServiceImpl>(std::move(home), log);
}

}  // namespace tentacle::events
