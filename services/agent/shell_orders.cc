#include "services/agent/shell_orders.h"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/async/on_pool.h"
#include "services/agent/limits.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

constexpr char kUsedBefore[] = "the order was carried out before";

// What cannot be read counts as long expired.
absl::Time ExpiryOf(std::string_view value) {
  std::int64_t seconds = 0;
  std::from_chars(value.data(), value.data() + value.size(), seconds);
  return absl::FromUnixSeconds(seconds);
}

absl::Status WriteDown(store::Store& store,
                       const std::string& session,
                       absl::Time expires_at,
                       absl::Time now) {
  const std::string key = "shell/" + session;
  const auto used = store.Get(key);
  if (!used.ok()) return used.status();
  if (used->has_value()) return absl::PermissionDeniedError(kUsedBefore);
  std::vector<store::Write> writes;
  std::size_t kept = 0;
  const auto look = [&](std::string_view old, std::string_view value) {
    if (ExpiryOf(value) + limits::kShellOrderMemory < now) {
      writes.push_back({std::string(old), std::nullopt});
    } else {
      ++kept;
    }
    return true;
  };
  // '0' follows '/': the range is every key that begins with "shell/".
  if (const auto status = store.Scan("shell/", "shell0", look); !status.ok()) return status;
  if (kept >= limits::kShellOrdersRemembered) {
    return absl::ResourceExhaustedError("more shells were opened within a day than are remembered");
  }
  writes.push_back({key, std::to_string(absl::ToUnixSeconds(expires_at))});
  return store.Apply(writes);
}

}  // namespace

asio::awaitable<absl::Status> ShellOrders::Use(std::string session, absl::Time expires_at) {
  const absl::Time now = clock_.Now();
  if (expires_at > now + limits::kShellOrderLongest) {
    co_return absl::PermissionDeniedError("the order is good for longer than an hour");
  }
  if (!being_used_.insert(session).second) co_return absl::PermissionDeniedError(kUsedBefore);
  auto write = [&store = store_, session, expires_at, now] {
    return WriteDown(store, session, expires_at, now);
  };
  absl::Status written = co_await async::OnPool(blocking_, std::move(write));
  being_used_.erase(session);
  co_return written;
}

}  // namespace tentacle::agent
