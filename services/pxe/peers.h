// The cache, as pxe sees it.
#pragma once

#include <tentacle/cache/v1/cache_service.pb.h>

#include <memory>
#include <set>
#include <string>

#include <absl/status/statusor.h>
#include <boost/asio/awaitable.hpp>

namespace tentacle::pxe {

class CachePeer {
 public:
  virtual ~CachePeer() = default;
  virtual boost::asio::awaitable<absl::StatusOr<cache::v1::GetImageResponse>> GetImage(
      std::string image_id) = 0;
  virtual boost::asio::awaitable<absl::Status> PullImage(std::string image_id) = 0;
  // The images of all open tasks, as a whole: the cache evicts none of them.
  virtual boost::asio::awaitable<absl::Status> KeepImages(std::set<std::string> image_ids) = 0;
};

std::unique_ptr<CachePeer> DialCache(const std::string& socket_path);

}  // namespace tentacle::pxe
