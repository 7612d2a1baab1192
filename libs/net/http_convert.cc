#include "libs/net/http_convert.h"

#include <string_view>
#include <utility>

#include <boost/url/parse.hpp>

namespace tentacle::net {

namespace {

// Percent-decodes target into path and query; false when it is no origin-form target.
bool SplitTarget(std::string_view target, HttpRequest& out) {
  const auto parsed = boost::urls::parse_origin_form({target.data(), target.size()});
  if (!parsed) return false;
  out.path = parsed->encoded_path().decode();
  for (const auto& param : parsed->params())
    out.query.emplace_back(param.key, param.value);
  return !out.path.empty() && out.path.find('\0') == std::string::npos;
}

}  // namespace

std::optional<HttpRequest> Convert(
    boost::beast::http::request<boost::beast::http::string_body>& message,
    const boost::asio::ip::tcp::socket& socket) {
  HttpRequest request;
  const auto method = message.method_string();
  request.method.assign(method.data(), method.size());
  if (!SplitTarget({message.target().data(), message.target().size()}, request)) {
    return std::nullopt;
  }
  // What asks to read has nothing to say (RFC 9110 section 9.3.1); a body would be a place to hide
  // another request in.
  if ((request.method == "GET" || request.method == "HEAD") && !message.body().empty()) {
    return std::nullopt;
  }
  for (const auto& field : message)
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  boost::system::error_code ignored;
  request.remote_ip = socket.remote_endpoint(ignored).address().to_string();
  request.local_ip = socket.local_endpoint(ignored).address().to_string();
  return request;
}

}  // namespace tentacle::net
