// A WebSocket over a Beast stream: order of writes, liveness, close codes. Private to libs/net,
// because a file that includes Beast takes 5 to 10 s to compile.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <absl/strings/numbers.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include "libs/net/link_quality.h"
#include "libs/net/websocket.h"

namespace tentacle::net {

constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

inline std::chrono::nanoseconds Chrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

// OutOfRange: closed in order. InvalidArgument: what came is no message of ours. DeadlineExceeded:
// too slow. Cancelled: we closed it. Unavailable: everything else.
absl::Status StatusFromError(std::string_view what, const boost::beast::error_code& error);

// Lives on its executor.
template <class Stream>
class BeastWebSocket final : public WebSocket,
                             public std::enable_shared_from_this<BeastWebSocket<Stream>> {
 public:
  template <class... Args>
  BeastWebSocket(boost::asio::any_io_executor home, WebSocketLimits limits, Args&&... args)
      : home_(home),
        limits_(limits),
        stream_(std::forward<Args>(args)...),
        turn_(home),
        answer_(home) {
    turn_.expires_at(boost::asio::steady_timer::time_point::max());
    stream_.read_message_max(limits.message_bytes);
    SetHandshakeTimeout(limits.handshake_timeout);
  }

  ~BeastWebSocket() override {
    if (ping_timer_) ping_timer_->cancel();
  }

  boost::beast::websocket::stream<Stream>& stream() { return stream_; }

  // Beast's own idle timeout stays off: the pings here are the only judge of a silent peer.
  void SetHandshakeTimeout(absl::Duration limit) {
    boost::beast::websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = Chrono(limit);  // Of the closing handshake as well.
    timeout.idle_timeout = boost::beast::websocket::stream_base::none();
    timeout.keep_alive_pings = false;
    stream_.set_option(timeout);
  }

  // After the handshake: begins to ping.
  void Established() {
    SetHandshakeTimeout(kCloseTimeout);
    const std::weak_ptr<BeastWebSocket> weak = this->weak_from_this();
    auto on_control = [weak](boost::beast::websocket::frame_type kind,
                             boost::beast::string_view payload) {
      const auto self = weak.lock();
      if (self && kind == boost::beast::websocket::frame_type::pong)
        self->OnPong({payload.data(), payload.size()});
    };
    stream_.control_callback(on_control);
    ping_timer_ = std::make_shared<boost::asio::steady_timer>(home_);
    auto loop = PingLoop(weak, ping_timer_);
    boost::asio::co_spawn(home_, std::move(loop), boost::asio::detached);
  }

  boost::asio::awaitable<absl::StatusOr<std::string>> Read() override {
    const auto self = this->shared_from_this();
    if (closed_) co_return Ended();
    boost::beast::flat_buffer buffer;
    reading_ = true;
    if (std::exchange(resting_, false)) ping_timer_->cancel();
    const auto [error, size] = co_await stream_.async_read(buffer, kTuple);
    reading_ = false;
    if (error) {
      End(ReadError(error));
      co_return end_;
    }
    meter_.Heard();
    if (stream_.got_text()) co_return boost::beast::buffers_to_string(buffer.data());
    // RFC 6455 section 7.4.1: 1003 for a type of data that is not taken. Waits for the peer's close
    // frame, at most kCloseTimeout.
    const boost::beast::websocket::close_reason unsupported(
        boost::beast::websocket::close_code::unknown_data);
    co_await stream_.async_close(unsupported, kTuple);
    End(absl::InvalidArgumentError("websocket: the peer sent a binary message"));
    co_return end_;
  }

  boost::asio::awaitable<absl::Status> Write(std::string message) override {
    const auto self = this->shared_from_this();
    if (message.size() > limits_.message_bytes) {
      co_return absl::InvalidArgumentError(
          fmt::format("websocket: a message of {} bytes; the peer takes {}", message.size(),
                      limits_.message_bytes));
    }
    if (closed_) co_return Ended();
    if (busy_) {
      if (waiting_ >= kMaxWaitingWrites)
        co_return absl::ResourceExhaustedError("websocket: too many waiting writes");
      ++waiting_;
      co_await turn_.async_wait(kTuple);  // The one who ends hands over; busy_ stays true.
      --waiting_;
      if (closed_) co_return Ended();
    }
    busy_ = true;
    stream_.text(true);
    const auto [error, size] = co_await stream_.async_write(boost::asio::buffer(message), kTuple);
    if (waiting_ > 0) {
      turn_.cancel_one();
    } else {
      busy_ = false;
    }
    if (!error) co_return absl::OkStatus();
    const absl::Status status = StatusFromError("websocket", error);
    // Aborted: a close frame goes out first, and whoever sends it ends the connection.
    if (error != boost::asio::error::operation_aborted) End(status);
    if (closed_) co_return end_;
    co_return status;
  }

  boost::asio::awaitable<bool> Answers(absl::Duration within) override {
    const auto self = this->shared_from_this();
    const std::uint64_t before = pongs_;
    // Nothing is written while a ping is stuck: the line is.
    if (!closed_) SendPing(meter_.Ping(Now()));
    answer_.expires_after(Chrono(within));
    while (!closed_ && pongs_ == before && answer_.expiry() > std::chrono::steady_clock::now())
      co_await answer_.async_wait(kTuple);
    co_return !closed_ && pongs_ != before;
  }

  LinkQuality quality() const override { return meter_.Get(); }

  void Close() override { End(absl::CancelledError("websocket: closed")); }

 private:
  static constexpr std::size_t kMaxWaitingWrites = 1024;
  static constexpr std::size_t kMaxUnansweredPings = 3;
  // A peer that misbehaved does not hold us for longer.
  static constexpr absl::Duration kCloseTimeout = absl::Seconds(5);

  // The first reason is the one that every pending call returns.
  void End(absl::Status reason) {
    if (std::exchange(closed_, true)) return;
    end_ = std::move(reason);
    turn_.cancel();
    answer_.cancel();
    if (ping_timer_) ping_timer_->cancel();
    boost::beast::get_lowest_layer(stream_).close();
  }

  // For the calls after that. Another code, so that nobody who goes on after one bad message runs
  // in circles.
  absl::Status Ended() const { return absl::CancelledError(end_.message()); }

  absl::Status ReadError(const boost::beast::error_code& error) {
    const auto& reason = stream_.reason();
    // A close frame came, though our answer to it may have met a line that was already down.
    const bool said_goodbye = reason.code != boost::beast::websocket::close_code::none;
    if (error != boost::beast::websocket::error::closed && !said_goodbye)
      return StatusFromError("websocket", error);
    return absl::OutOfRangeError(
        fmt::format("websocket: closed by the peer with {}{}{}", static_cast<unsigned>(reason.code),
                    reason.reason.empty() ? "" : ": ",
                    std::string_view(reason.reason.data(), reason.reason.size())));
  }

  static absl::Duration Now() {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }

  void OnPong(std::string_view payload) {
    ++pongs_;
    answer_.cancel();
    std::uint64_t number = 0;
    // A pong that nobody asked for is allowed (RFC 6455 section 5.5.3) and says that the peer
    // lives.
    if (!absl::SimpleAtoi(absl::string_view(payload.data(), payload.size()), &number) ||
        !meter_.Pong(number, Now())) {
      meter_.Heard();
    }
  }

  static boost::asio::awaitable<void> PingLoop(std::weak_ptr<BeastWebSocket> weak,
                                               std::shared_ptr<boost::asio::steady_timer> timer) {
    for (;;) {
      {
        const auto self = weak.lock();
        if (!self || self->closed_) co_return;
        timer->expires_after(Chrono(self->Tick()));
      }
      co_await timer->async_wait(kTuple);
    }
  }

  // Judges the pings so far, sends the next, and returns when to come again. After the first miss
  // they go out twice as fast, so that a peer that fell silent right after a pong is found within
  // three intervals.
  absl::Duration Tick() {
    if (!stream_.is_open()) {
      // A close frame is on its way and the peer has until the next tick to close.
      if (std::exchange(closing_, true))
        End(absl::UnavailableError("websocket: the peer does not close"));
      return limits_.ping_interval;
    }
    // Pongs are seen by Read only: while nobody reads, silence proves nothing, unless the line is
    // stuck.
    resting_ = !reading_ && !pinging_;
    if (resting_) return limits_.ping_interval;
    const std::size_t misses = meter_.unanswered();
    if (misses >= kMaxUnansweredPings) {
      End(absl::UnavailableError(fmt::format("websocket: no answer to {} pings", misses)));
      return limits_.ping_interval;
    }
    SendPing(meter_.Ping(Now()));
    return misses == 0 ? limits_.ping_interval : limits_.ping_interval / 2;
  }

  // Does not wait: on a line that is stuck the frame never leaves, which is a miss like any other.
  // The frame's handler keeps this object, because a TLS stream must outlive what it writes.
  void SendPing(std::uint64_t number) {
    if (std::exchange(pinging_, true)) return;
    auto sent = [self = this->shared_from_this()](const boost::beast::error_code&) {
      self->pinging_ = false;
    };
    const std::string text = fmt::format("{}", number);
    stream_.async_ping(boost::beast::websocket::ping_data(text.data(), text.size()),
                       std::move(sent));
  }

  boost::asio::any_io_executor home_;
  WebSocketLimits limits_;
  boost::beast::websocket::stream<Stream> stream_;
  boost::asio::steady_timer turn_;
  boost::asio::steady_timer answer_;  // Cancelled by a pong.
  std::uint64_t pongs_ = 0;
  std::shared_ptr<boost::asio::steady_timer> ping_timer_;
  LinkQualityMeter meter_;
  absl::Status end_;
  std::size_t waiting_ = 0;
  bool busy_ = false;
  bool reading_ = false;
  bool pinging_ = false;  // A ping is being written.
  bool resting_ = false;  // The next Read pings at once.
  bool closing_ = false;  // The last tick saw a close frame under way.
  bool closed_ = false;
};

}  // namespace tentacle::net
