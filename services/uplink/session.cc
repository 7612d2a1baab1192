#include "services/uplink/session.h"

#include <utility>

#include "libs/text/view.h"

namespace tentacle::uplink {

namespace asio = boost::asio;
using backend_link::Message;

Session::Session(std::shared_ptr<net::WebSocket> socket, Metrics& metrics, runtime::Log log)
    : socket_(std::move(socket)), metrics_(metrics), log_(std::move(log)) {}

asio::awaitable<absl::Status> Session::Send(Message message) {
  absl::Status status = co_await socket_->Write(backend_link::Serialize(message));
  if (status.ok()) metrics_.Sent(message.type);
  co_return status;
}

asio::awaitable<absl::Status> Session::SendAck(std::string id) {
  absl::Status status = co_await Send(backend_link::Ack(id));
  if (status.ok()) metrics_.AckSent();
  co_return status;
}

asio::awaitable<absl::StatusOr<Message>> Session::Receive() {
  for (;;) {
    const auto frame = co_await socket_->Read();
    if (!frame.ok()) {
      // Binary, not UTF-8 or too large: closed with 1003, 1007 or 1009 already.
      if (absl::IsInvalidArgument(frame.status())) {
        Refuse("not_text_or_too_large", text::Message(frame.status()));
      }
      co_return frame.status();
    }
    auto message = backend_link::Parse(*frame);
    if (!message.ok()) {
      Refuse("malformed", text::Message(message.status()));
      continue;
    }
    metrics_.Received(message->type);
    co_return message;
  }
}

void Session::Refuse(std::string_view reason, std::string_view detail) {
  metrics_.RefusedFrame(reason);
  log_.Warning("uplink.frame_refused", {{"reason", reason}, {"detail", detail}});
}

}  // namespace tentacle::uplink
