// Tells a refused neighbour that it is refused, without letting it near gRPC.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace tentacle::rpc {

// The frames that answer call `stream` with PERMISSION_DENIED and `message` (RFC 9113 and gRPC's
// "trailers-only" answer). Control characters and what is no ASCII are left out of the message.
std::string DenialFrames(unsigned stream, const std::string& message);

// The number of the first call that `received` begins, as far as it can be seen yet; 0: not yet.
// `received` is what a client sent since it connected.
unsigned FirstStream(const std::string& received);

// Waits for the first call, refuses it, closes. Bounded in time and bytes (limits.h).
boost::asio::awaitable<void> Deny(boost::asio::local::stream_protocol::socket socket,
                                  std::string message);

}  // namespace tentacle::rpc
