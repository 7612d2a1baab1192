// The configuration of one process: layers, revision, persistence of what the backend set.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/config/config.h"
#include "libs/runtime/host.h"

namespace tentacle::runtime {

// Home thread only.
class StoredConfigFeed final : public ConfigFeed {
 public:
  // Takes the remote layer that `store` remembers onto `layers`; a remote layer that does not fit
  // any more (an older version wrote it) is left out and told in `*warning`.
  static absl::StatusOr<std::unique_ptr<StoredConfigFeed>> Open(config::Layers layers,
                                                                store::Store& store,
                                                                std::string* warning);

  const config::v1::TentacleConfig& current() const override { return current_; }

  absl::Status Check(const std::string& remote_json) const override;

  std::uint64_t revision() const override { return revision_; }

  void OnChange(std::function<void(const config::v1::TentacleConfig&)> callback) override {
    callbacks_.push_back(std::move(callback));
  }

  // InvalidArgument leaves everything as it was. An older or equal revision is no error and no
  // change.
  absl::Status Replace(std::uint64_t revision, const std::string& remote_json);

  // config.yaml has changed. InvalidArgument leaves everything as it was.
  absl::Status Reload(std::string yaml);

 private:
  StoredConfigFeed(config::Layers layers, store::Store& store)
      : layers_(std::move(layers)), store_(store) {}

  void Tell() const;

  config::Layers layers_;
  store::Store& store_;
  config::v1::TentacleConfig current_;
  std::uint64_t revision_ = 0;
  std::vector<std::function<void(const config::v1::TentacleConfig&)>> callbacks_;
};

}  // namespace tentacle::runtime
