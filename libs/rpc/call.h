// A unary call from the home thread. There is no overload without a deadline.
//
// gRPC's own timers wait until a time of the wall clock. Where that is set back, by NTP on a board
// that has no battery or by hand, they stand still until it has caught up. Neither a deadline nor a
// new connection is left to them alone.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <absl/status/statusor.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <grpcpp/grpcpp.h>

#include "libs/rpc/limits.h"
#include "libs/rpc/serve.h"

namespace tentacle::rpc {

// A channel to a service's socket; it reconnects by itself, and by Redial().
std::shared_ptr<grpc::Channel> Dial(const std::string& socket_path);

// For whoever got UNAVAILABLE and will call again: a channel without a connection tries to get one
// at once. Any thread.
void Redial(grpc::Channel& channel);

template <class AsyncStub, class Req, class Res>
using UnaryMethod =
    void (AsyncStub::*)(grpc::ClientContext*, const Req*, Res*, std::function<void(grpc::Status)>);

namespace internal {

template <class Req, class Res>
struct UnaryCall {
  grpc::ClientContext context;
  Req request;
  Res response;
  bool late = false;  // Home thread.
};

// A plain function, not a coroutine: g++ 12 destroys the captures of a lambda twice when it is
// built inside a co_await expression.
template <class AsyncStub, class Req, class Res, class Token>
auto AsyncStart(AsyncStub* stub,
                UnaryMethod<AsyncStub, Req, Res> method,
                std::shared_ptr<UnaryCall<Req, Res>> call,
                Token&& token) {
  namespace asio = boost::asio;
  auto initiate = [](auto handler, AsyncStub* s, UnaryMethod<AsyncStub, Req, Res> m,
                     std::shared_ptr<UnaryCall<Req, Res>> c) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));  // std::function copies.
    auto* raw = c.get();
    auto executor = asio::get_associated_executor(*shared);
    auto work = asio::make_work_guard(executor);
    // A coroutine that is cancelled takes its call along: a long poll must not hold up the way
    // down.
    auto slot = asio::get_associated_cancellation_slot(*shared);
    if (slot.is_connected()) slot.assign([c](asio::cancellation_type) { c->context.TryCancel(); });
    // gRPC's thread keeps nothing: the context holds the channel, and whoever lets go of the last
    // channel there waits for that very thread to end.
    (s->*m)(&raw->context, &raw->request, &raw->response,
            [shared, c = std::move(c), executor, work, slot](grpc::Status status) mutable {
              asio::post(executor,
                         [shared = std::move(shared), c = std::move(c), work = std::move(work),
                          slot, status = std::move(status)]() mutable {
                           if (slot.is_connected()) slot.clear();
                           (std::move(*shared))(std::move(status));
                         });
            });
  };
  return asio::async_initiate<Token, void(grpc::Status)>(initiate, token, stub, method, call);
}

}  // namespace internal

template <class AsyncStub, class Req, class Res>
boost::asio::awaitable<absl::StatusOr<Res>> Call(AsyncStub* stub,
                                                 UnaryMethod<AsyncStub, Req, Res> method,
                                                 std::type_identity_t<Req> request,
                                                 absl::Duration timeout) {
  auto call = std::make_shared<internal::UnaryCall<Req, Res>>();
  call->request = std::move(request);
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  boost::asio::steady_timer deadline(co_await boost::asio::this_coro::executor,
                                     absl::ToChronoNanoseconds(timeout + limits::kDeadlineSlack));
  auto give_up = [call](const boost::system::error_code& error) {
    if (error) return;
    call->late = true;
    call->context.TryCancel();
  };
  deadline.async_wait(std::move(give_up));
  const grpc::Status status = co_await internal::AsyncStart<AsyncStub, Req, Res>(
      stub, method, call, boost::asio::use_awaitable);
  deadline.cancel();
  if (!status.ok() && call->late) co_return absl::DeadlineExceededError("no answer in time");
  if (!status.ok()) co_return FromGrpc(status);
  co_return std::move(call->response);
}

}  // namespace tentacle::rpc
