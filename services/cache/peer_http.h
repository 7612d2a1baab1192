// What other tentacles of the site ask for, on the port of the images: only with a token, and only
// what is here or on its way already.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>

#include "libs/net/http_types.h"
#include "services/cache/image_http.h"
#include "services/cache/image_library.h"
#include "services/cache/line_desk.h"
#include "services/cache/metrics.h"
#include "services/cache/neighbours.h"

namespace tentacle::cache {

// Home thread only.
class PeerHttp {
 public:
  PeerHttp(ImageLibrary& library,
           ImageHttp& images,
           LineDesk& line,
           Metrics& metrics,
           std::shared_ptr<Neighbours> neighbours)
      : library_(library),
        images_(images),
        line_(line),
        metrics_(metrics),
        neighbours_(std::move(neighbours)) {}

  static bool IsFor(const net::HttpRequest& request) { return request.path.starts_with("/peer/"); }

  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request);

 private:
  boost::asio::awaitable<net::HttpReply> Answer(net::HttpRequest request);
  net::HttpReply State(const std::string& image_id) const;
  boost::asio::awaitable<net::HttpReply> Image(net::HttpRequest request, std::string image_id);

  ImageLibrary& library_;
  ImageHttp& images_;
  LineDesk& line_;
  Metrics& metrics_;
  std::shared_ptr<Neighbours> neighbours_;
};

}  // namespace tentacle::cache
