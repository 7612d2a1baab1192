#include "services/discovery/device_store.h"

#include <tentacle/discovery/v1/discovery_service.pb.h>

#include <string>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/net/network.h"
#include "services/discovery/device_message.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr char kDevicePrefix[] = "device/";
constexpr char kDeviceEnd[] = "device0";  // '0' follows '/': the first key after all of ours.
constexpr char kServerPrefix[] = "dhcp/";
constexpr char kServerEnd[] = "dhcp0";
constexpr char kPingPrefix[] = "ping/";
constexpr char kPingEnd[] = "ping0";
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

  if (absl::Status status = LoadServers(loaded); !status.ok()) return status;
  if (absl::Status status = LoadPings(loaded); !status.ok()) return status;
  const auto last_scan = store_.Get(kLastScanKey);
  if (!last_scan.ok()) return last_scan.status();
  google::protobuf::Timestamp timestamp;
  if (last_scan->has_value() && timestamp.ParseFromString(**last_scan)) {
    loaded.last_scan = FromTimestamp(timestamp);
  }
  return loaded;
}

absl::Status DeviceStore::LoadServers(Loaded& loaded) {
  const auto visit = [this, &loaded](std::string_view key, std::string_view value) {
    v1::DhcpServer message;
    const bool parsed = message.ParseFromArray(value.data(), static_cast<int>(value.size()));
    auto server = parsed ? FromMessage(message) : std::nullopt;
    if (server) {
      loaded.servers.push_back(*std::move(server));
    } else {
      ++loaded.unreadable;
    }
    server_keys_.emplace(key);
    return true;
  };
  return store_.Scan(kServerPrefix, kServerEnd, visit);
}

absl::Status DeviceStore::LoadPings(Loaded& loaded) {
  const auto visit = [this, &loaded](std::string_view key, std::string_view value) {
    const auto address = net::ParseIpv4Address(std::string(key.substr(sizeof kPingPrefix - 1)));
    const wire::Buffer bytes(value.begin(), value.end());
    const auto history = PingHistory::Decode(bytes);
    if (address.ok() && history) {
      loaded.pings.emplace(*address, *history);
    } else {
      ++loaded.unreadable;
    }
    ping_keys_.emplace(key);
    return true;
  };
  return store_.Scan(kPingPrefix, kPingEnd, visit);
}

asio::awaitable<absl::Status> DeviceStore::Save(const DeviceTable::Unsaved& unsaved) {
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

asio::awaitable<absl::Status> DeviceStore::SaveServers(const std::vector<DhcpServer>& servers) {
  std::map<std::string, std::string> records;
  for (const DhcpServer& server : servers) {
    records.emplace(kServerPrefix + AddressText(server.address),
                    ToMessage(server).SerializeAsString());
  }
  return Replace(server_keys_, std::move(records));
}

asio::awaitable<absl::Status> DeviceStore::SavePings(std::map<std::uint32_t, PingHistory> pings) {
  std::map<std::string, std::string> records;
  for (const auto& [address, history] : pings) {
    const wire::Buffer bytes = history.Encode();
    records.emplace(kPingPrefix + AddressText(address), std::string(bytes.begin(), bytes.end()));
  }
  return Replace(ping_keys_, std::move(records));
}

asio::awaitable<absl::Status> DeviceStore::Replace(std::set<std::string>& keys,
                                                   std::map<std::string, std::string> records) {
  std::vector<store::Write> writes;
  for (const std::string& key : keys) {
    if (!records.contains(key)) writes.push_back({key, std::nullopt});
  }
  std::set<std::string> written;
  for (auto& [key, value] : records) {
    written.insert(key);
    writes.push_back({key, std::move(value)});
  }
  const absl::Status status = co_await Apply(std::move(writes));
  if (status.ok()) keys = std::move(written);
  co_return status;
}

asio::awaitable<absl::Status> DeviceStore::Apply(std::vector<store::Write> writes) {
  auto write = [&store = store_, writes = std::move(writes)] { return store.Apply(writes, false); };
  co_return co_await async::OnPool(blocking_, std::move(write));
}

}  // namespace tentacle::discovery
