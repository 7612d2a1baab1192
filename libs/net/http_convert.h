// Beast's messages as ours. Of libs/net alone: nobody else sees Beast.
#pragma once

#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "libs/net/http_types.h"

namespace tentacle::net {

// Takes the body out of `message`. Nothing: the target is no origin-form (RFC 9112 section 3.2.1),
// or a request that only asks to read has a body.
std::optional<HttpRequest> Convert(
    boost::beast::http::request<boost::beast::http::string_body>& message,
    const boost::asio::ip::tcp::socket& socket);

}  // namespace tentacle::net
