#include "services/discovery/reporter.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/discovery/limits.h"
#include "services/discovery/report.h"

namespace tentacle::discovery {

namespace {

namespace asio = boost::asio;

constexpr char kRevisionKey[] = "report/revision";

asio::awaitable<void> Ignore(asio::awaitable<absl::Status> append) {
  const absl::Status status = co_await std::move(append);
  status.IgnoreError();  // Logged there.
}

}  // namespace

absl::Status Reporter::Open() {
  const auto stored = host_.store.Get(kRevisionKey);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return absl::OkStatus();
  const std::string& text = **stored;
  // What cannot be read is revision 0, and the backend asks for everything.
  std::from_chars(text.data(), text.data() + text.size(), revision_);
  return absl::OkStatus();
}

void Reporter::NoteForgotten(const wire::MacAddress& mac) {
  changed_.erase(mac);
  // A flood makes room and is forgotten by the thousand; only what the backend may know is told.
  if (forgotten_.size() < limits::kMaxDevices) forgotten_.insert(mac);
}

void Reporter::Tell(std::string type, std::string correlation_id, std::string body) {
  auto append =
      Append(shared_from_this(), std::move(type), std::move(correlation_id), std::move(body));
  asio::co_spawn(host_.home, Ignore(std::move(append)), asio::detached);
}

asio::awaitable<void> Reporter::Flush(SelfPtr self) {
  const std::vector<wire::MacAddress> changed(self->changed_.begin(), self->changed_.end());
  std::vector<wire::MacAddress> forgotten(self->forgotten_.begin(), self->forgotten_.end());
  std::erase_if(forgotten,
                [&](const wire::MacAddress& mac) { return self->table_.Find(mac) != nullptr; });
  self->changed_.clear();
  self->forgotten_.clear();
  const std::uint64_t before = self->revision_;
  // Part by part: the bodies of a segment that answers a sweep at once are large.
  std::span<const wire::MacAddress> left(changed);
  do {
    const auto part = left.first(std::min(left.size(), limits::kMaxDevicesPerEvent));
    left = left.subspan(part.size());
    const std::vector<wire::MacAddress> gone = std::exchange(forgotten, {});
    co_await TellChanges(self, part, gone);
  } while (!left.empty());
  if (self->revision_ == before) co_return;
  const absl::Status saved = co_await self->SaveRevision();
  self->metrics_.Stored(saved.ok());
}

std::vector<const Device*> Reporter::Trusted(std::span<const wire::MacAddress> macs) const {
  std::vector<const Device*> devices;
  for (const wire::MacAddress& mac : macs) {
    const Device* device = table_.Find(mac);
    if (device != nullptr && !device->suspect) devices.push_back(device);
  }
  return devices;
}

asio::awaitable<void> Reporter::TellScan(SelfPtr self, ScanResult result, std::string scan_id) {
  std::span<const wire::MacAddress> macs(result.devices);
  const std::size_t suspects = macs.size() - self->Trusted(macs).size();
  bool told = false;
  do {
    const auto part = macs.first(std::min(macs.size(), limits::kMaxDevicesPerEvent));
    macs = macs.subspan(part.size());
    std::vector<std::string> bodies;
    const std::vector<const Device*> devices = self->Trusted(part);
    Devices left(devices);
    // A sweep that found nobody is told as well, with an empty list.
    while (!left.empty() || (!told && macs.empty())) {
      bodies.push_back(ScanResultBody(result, scan_id, suspects, &left));
      told = true;
    }
    for (std::string& body : bodies) {
      const absl::Status status =
          co_await Append(self, "discovery.result", scan_id, std::move(body));
      status.IgnoreError();  // Logged there.
    }
  } while (!macs.empty());
}

asio::awaitable<void> Reporter::TellChanges(SelfPtr self,
                                            std::span<const wire::MacAddress> changed,
                                            std::span<const wire::MacAddress> forgotten) {
  DeviceReport report = DeviceChangeBodies(self->Trusted(changed), forgotten, self->revision_);
  // A body that is refused leaves a gap, at which the backend asks for everything.
  self->revision_ = report.revision;
  for (std::string& body : report.bodies) {
    const absl::Status status = co_await Append(self, "device.changed", "", std::move(body));
    self->metrics_.Reported(status.ok() ? "stored" : "refused");
  }
}

asio::awaitable<absl::StatusOr<Reporter::Snapshot>> Reporter::ReportAll(SelfPtr self,
                                                                        std::string command_id) {
  std::vector<const Device*> devices = self->table_.Latest(limits::kMaxDevices);
  std::erase_if(devices, [](const Device* device) { return device->suspect; });
  const Snapshot snapshot{self->revision_, devices.size()};
  // All bodies now: while they are stored, the table goes on.
  for (std::string& body : SnapshotBodies(devices, snapshot.revision, command_id)) {
    const absl::Status status =
        co_await Append(self, "device.snapshot", command_id, std::move(body));
    if (!status.ok()) co_return status;
  }
  co_return snapshot;
}

asio::awaitable<absl::Status> Reporter::Append(SelfPtr self,
                                               std::string type,
                                               std::string correlation_id,
                                               std::string body,
                                               event::v1::Priority priority) {
  auto event =
      events::MakeEvent(type, correlation_id, priority, std::move(body), self->host_.clock.Now());
  const auto sequence = co_await self->host_.events.Append(std::move(event));
  if (sequence.ok()) co_return absl::OkStatus();  // A refusal is counted by the log.
  self->host_.log.Error(
      "discovery.event_refused",
      {{"task", correlation_id}, {"type", type}, {"reason", text::Message(sequence.status())}});
  co_return sequence.status();
}

asio::awaitable<absl::Status> Reporter::SaveRevision() {
  std::vector<store::Write> writes;
  writes.push_back({kRevisionKey, std::to_string(revision_)});
  auto write = [&store = host_.store, writes = std::move(writes)] {
    return store.Apply(writes, false);
  };
  co_return co_await async::OnPool(host_.blocking, std::move(write));
}

}  // namespace tentacle::discovery
