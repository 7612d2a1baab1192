#include "services/discovery/device_store.h"

#include <tentacle/discovery/v1/discovery_service.pb.h>

#include <string>
#include <utility>

#include "libs/async/on_pool.h"
#include "services/discovery/device_message.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr char kDevicePrefix[] = "device/";
constexpr char kDeviceEnd[] = "device0";  // '0' follows '/': the first key after all of ours.
constexpr char kLastScanKey[] = "scan/last";

std::string DeviceKey(const wire::MacAddress& mac) {
  return kDevicePrefix + mac.ToString();
}

}  // namespace

absl::StatusOr<DeviceStore::Loaded> DeviceStore::Load() {
  Loaded loaded;
  const auto visit = [&loaded](std::string_view, std::string_view value) {
    v1::Device message;
    const bool parsed = message.ParseFromArray(value.data(), static_cast<int>(value.size()));
    auto device = parsed ? FromMessage(message) : std::nullopt;
    if (device.has_value()) {
      loaded.devices.push_back(*std::move(device));
    } else {
      ++loaded.unreadable;
    }
    return true;
  };
  if (auto status = store_.Scan(kDevicePrefix, kDeviceEnd, visit); !status.ok()) return status;

  const auto last_scan = store_.Get(kLastScanKey);
  if (!last_scan.ok()) return last_scan.status();
  google::protobuf::Timestamp timestamp;
  if (last_scan->has_value() && timestamp.ParseFromString(**last_scan)) {
    loaded.last_scan = FromTimestamp(timestamp);
  }
  return loaded;
}

asio::awaitable<absl::Status> DeviceStore::Save(DeviceTable::Unsaved unsaved) {
  std::vector<store::Write> writes;
  writes.reserve(unsaved.changed.size() + unsaved.forgotten.size());
  for (const Device& device : unsaved.changed) {
    writes.push_back({DeviceKey(device.mac), ToMessage(device).SerializeAsString()});
  }
  for (const wire::MacAddress& mac : unsaved.forgotten) {
    writes.push_back({DeviceKey(mac), std::nullopt});
  }
  return Apply(std::move(writes));
}

asio::awaitable<absl::Status> DeviceStore::SaveLastScan(absl::Time time) {
  std::vector<store::Write> writes;
  writes.push_back({kLastScanKey, ToTimestamp(time).SerializeAsString()});
  return Apply(std::move(writes));
}

asio::awaitable<absl::Status> DeviceStore::Apply(std::vector<store::Write> writes) {
  auto write = [&store = store_, writes = std::move(writes)] { return store.Apply(writes, false); };
  co_return co_await async::OnPool(blocking_, std::move(write));
}

}  // namespace tentacle::discovery
