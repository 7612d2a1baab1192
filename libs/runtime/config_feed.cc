#include "libs/runtime/config_feed.h"

#include <cstdlib>

namespace tentacle::runtime {

namespace {

constexpr char kRemoteKey[] = "config/remote";
constexpr char kRevisionKey[] = "config/revision";

}  // namespace

absl::StatusOr<std::unique_ptr<StoredConfigFeed>> StoredConfigFeed::Open(config::Layers layers,
                                                                         store::Store& store,
                                                                         std::string* warning) {
  auto remote = store.Get(kRemoteKey);
  if (!remote.ok()) return remote.status();
  auto revision = store.Get(kRevisionKey);
  if (!revision.ok()) return revision.status();

  auto feed = std::unique_ptr<StoredConfigFeed>(new StoredConfigFeed(std::move(layers), store));
  feed->layers_.remote_json = remote->value_or("");
  auto loaded = config::Load(feed->layers_);
  if (!loaded.ok() && !feed->layers_.remote_json.empty()) {
    *warning = std::string(loaded.status().message());
    feed->layers_.remote_json.clear();
    loaded = config::Load(feed->layers_);
  } else {
    feed->revision_ = std::strtoull(revision->value_or("0").c_str(), nullptr, 10);
  }
  if (!loaded.ok()) return loaded.status();
  feed->current_ = *std::move(loaded);
  return feed;
}

absl::Status StoredConfigFeed::Replace(std::uint64_t revision, const std::string& remote_json) {
  if (revision <= revision_) return absl::OkStatus();
  config::Layers layers = layers_;
  layers.remote_json = remote_json;
  auto loaded = config::Load(layers);
  if (!loaded.ok()) return loaded.status();
  absl::Status status =
      store_.Apply({{kRemoteKey, remote_json}, {kRevisionKey, std::to_string(revision)}});
  if (!status.ok()) return status;
  layers_ = std::move(layers);
  current_ = *std::move(loaded);
  revision_ = revision;
  Tell();
  return absl::OkStatus();
}

absl::Status StoredConfigFeed::Reload(std::string yaml) {
  config::Layers layers = layers_;
  layers.yaml = std::move(yaml);
  auto loaded = config::Load(layers);
  if (!loaded.ok()) return loaded.status();
  layers_ = std::move(layers);
  current_ = *std::move(loaded);
  Tell();
  return absl::OkStatus();
}

absl::Status StoredConfigFeed::Check(const std::string& remote_json) const {
  config::Layers layers = layers_;
  layers.remote_json = remote_json;
  return config::Load(layers).status();
}

void StoredConfigFeed::Tell() const {
  for (const auto& callback : callbacks_)
    callback(current_);
}

}  // namespace tentacle::runtime
