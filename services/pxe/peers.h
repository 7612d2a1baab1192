// The cache, as pxe sees it.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

#include <tentacle/cache/v1/cache_service.pb.h>

namespace tentacle::pxe {

class CachePeer {
 public:
  virtual ~CachePeer() = default;
  virtual boost::asio::awaitable<absl::StatusOr<cache::v1::GetImageResponse>> GetImage(std::string image_id) = 0;
  virtual boost::asio::awaitable<absl::Status> PullImage(std::string image_id) = 0;
};

std::unique_ptr<CachePeer> DialCache(const std::string& socket_path);

}  // namespace tentacle::pxe
