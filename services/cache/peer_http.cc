#include "services/cache/peer_http.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/text/view.h"

namespace tentacle::cache {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view kState = "/peer/state/";
constexpr std::string_view kImages = "/peer/images/";

}  // namespace

asio::awaitable<net::HttpReply> PeerHttp::Handle(net::HttpRequest request) {
  net::HttpReply reply;
  const auto peer = neighbours_->CheckToken(request.Header("Authorization"));
  if (peer.ok()) {
    reply = co_await Answer(std::move(request));
  } else {
    reply = net::ProblemReply(401, std::string(text::Message(peer.status())));
  }
  metrics_.PeerAsked(reply.status < 300 ? "answered" : reply.status == 401 ? "refused" : "absent");
  co_return reply;
}

asio::awaitable<net::HttpReply> PeerHttp::Answer(net::HttpRequest request) {
  if (request.method != "GET") co_return net::ProblemReply(405, "GET only");
  if (request.path == "/peer/hello") {
    net::HttpReply hello;
    hello.status = 204;
    co_return hello;
  }
  if (request.path.starts_with(kState)) co_return State(request.path.substr(kState.size()));
  if (!request.path.starts_with(kImages))
    co_return net::ProblemReply(404,
                                "there is /peer/hello, /peer/state/{id} and /peer/images/{id}");
  std::string image_id = request.path.substr(kImages.size());
  co_return co_await Image(std::move(request), std::move(image_id));
}

net::HttpReply PeerHttp::State(const std::string& image_id) const {
  const auto at = library_.entries().find(image_id);
  if (at == library_.entries().end() || !at->second->IsCheckedByChunk())
    return net::ProblemReply(404, "this image is neither here nor on its way");
  const Entry& entry = *at->second;
  const bool cached = entry.image.state() == v1::IMAGE_STATE_CACHED;
  const std::uint64_t prefix = cached ? entry.image.size_bytes() : entry.chunked->EndOfPresent(0);
  const json::object body{{"sha256", entry.image.sha256()},
                          {"cached", cached},
                          {"pulling", entry.pull_runs},
                          {"prefixBytes", prefix}};
  return net::JsonReply(200, json::serialize(body));
}

asio::awaitable<net::HttpReply> PeerHttp::Image(net::HttpRequest request, std::string image_id) {
  request.path = "/images/" + image_id;
  net::HttpReply reply = co_await images_.Handle(std::move(request), Reader::kNeighbour);
  reply.on_sent = [this](std::uint64_t bytes) { line_.PeerServed(bytes); };
  co_return reply;
}

}  // namespace tentacle::cache
