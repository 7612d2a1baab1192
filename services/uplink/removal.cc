#include "services/uplink/removal.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "libs/async/on_pool.h"
#include "libs/text/view.h"
#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;

// Overwritten first: an unlinked file's blocks can be read from a disk that is taken out.
absl::Status DeleteKey(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    const std::array<char, 4096> zeros{};
    const bool written =
        ::write(fd, zeros.data(), zeros.size()) == static_cast<ssize_t>(zeros.size());
    if (written) ::fsync(fd);
    ::close(fd);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return absl::ErrnoToStatus(errno, "deleting the identity key");
  return absl::OkStatus();
}

}  // namespace

asio::awaitable<void> WipeSecrets(runtime::Host& host,
                                  DesiredStore& desired,
                                  std::function<void(Service)> notify) {
  auto empty = [](const DesiredState& state) {
    return SyncTasks(state, {}, TableLimits{limits::kMaxTasks, limits::kMaxTaskTableBytes});
  };
  auto commit = desired.Commit(std::move(empty), std::nullopt, std::nullopt);
  const auto emptied = co_await std::move(commit);
  const absl::Status forgotten = co_await desired.ForgetCommands();
  // Last: as long as it is there, the next refusal begins anew.
  auto remove = [path = host.paths.KeyFile()] { return DeleteKey(path); };
  const absl::Status removed = co_await async::OnPool(host.blocking, remove);
  absl::Status status = emptied.status();
  status.Update(forgotten);
  status.Update(removed);
  if (status.ok()) {
    host.log.Warning("uplink.node_removed", {{"node", host.config.current().node().id()}});
  } else {
    host.log.Error("uplink.wipe_failed", {{"reason", text::Message(status)}});
  }
  notify(Service::kPxe);
}

}  // namespace tentacle::uplink
