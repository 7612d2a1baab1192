#include "services/uplink/desired_store.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "libs/async/on_pool.h"
#include "services/uplink/limits.h"

namespace tentacle::uplink {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kTaskPrefix = "desired/task/";
constexpr std::string_view kTaskRevisionKey = "desired/task_revision";
constexpr std::string_view kConfigKey = "desired/config";
constexpr std::string_view kConfigVersionsKey = "desired/config_versions";
constexpr std::string_view kConfigRevisionKey = "desired/config_revision";
constexpr std::string_view kCommandPrefix = "command/";
constexpr std::string_view kSeenPrefix = "seen/";

bool MayHoldSecrets(std::string_view key) {
  return key.starts_with(kTaskPrefix) || key.starts_with(kCommandPrefix);
}

// Everything that begins with `prefix`: up to the prefix with its last character raised by one.
std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  ++end.back();
  return end;
}

// Fixed width, so that the order of keys is the order of numbers.
std::string NumberedKey(std::string_view prefix, std::uint64_t number) {
  return fmt::format("{}{:016x}", prefix, number);
}

std::optional<std::uint64_t> ParseNumber(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "<milliseconds since 1970>\n<frame>"
std::string PackCommand(absl::Time received_at, std::string_view frame) {
  return fmt::format("{}\n{}", absl::ToUnixMillis(received_at), frame);
}

std::optional<PendingCommand> UnpackCommand(std::string_view value) {
  const std::size_t line = value.find('\n');
  if (line == std::string_view::npos) return std::nullopt;
  const auto millis = ParseNumber(value.substr(0, line), 10);
  const auto message = backend_link::Parse(value.substr(line + 1));
  if (!millis || !message.ok()) return std::nullopt;
  const auto actions = Route(*message);
  const auto* action = std::get_if<CommandAction>(&actions.front());
  if (action == nullptr) return std::nullopt;
  return PendingCommand{action->command, absl::FromUnixMillis(static_cast<std::int64_t>(*millis))};
}

void AppendWrites(const DesiredChange& change, std::vector<store::Write>& writes) {
  for (const auto& [mac, task] : change.tasks) {
    store::Write write{fmt::format("{}{}", kTaskPrefix, mac), std::nullopt};
    if (task.has_value()) write.value = task->SerializeAsString();
    writes.push_back(std::move(write));
  }
  if (change.task_revision) {
    writes.push_back({std::string(kTaskRevisionKey), std::to_string(*change.task_revision)});
  }
  if (change.config_revision) {
    writes.push_back({std::string(kConfigRevisionKey), std::to_string(*change.config_revision)});
  }
  if (change.config_json) writes.push_back({std::string(kConfigKey), *change.config_json});
  if (change.configs) {
    writes.push_back({std::string(kConfigVersionsKey), change.configs->Serialize()});
  }
}

}  // namespace

DesiredStore::DesiredStore(asio::any_io_executor home,
                           asio::thread_pool& blocking,
                           store::Store& store,
                           FindSealer find_sealer)
    : blocking_(blocking),
      store_(store),
      find_sealer_(std::move(find_sealer)),
      turn_(std::move(home)) {
  turn_.expires_at(asio::steady_timer::time_point::max());
}

absl::Status DesiredStore::Load() {
  const auto sealer = find_sealer_();
  std::vector<store::Write> of_another_key;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (const auto plain = Unseal(sealer, key, value)) {
      LoadEntry(key, *plain);
    } else {
      ++unreadable_;
      if (sealer.ok()) of_another_key.push_back({std::string(key), std::nullopt});
    }
    return true;
  };
  for (const std::string_view prefix :
       {std::string_view("desired/"), kCommandPrefix, kSeenPrefix}) {
    if (absl::Status status = store_.Scan(prefix, PrefixEnd(prefix), visit); !status.ok()) {
      return status;
    }
  }
  // Nobody can ever read them; that they are still there after a failure here does no harm.
  if (!of_another_key.empty()) static_cast<void>(store_.Apply(of_another_key));
  return absl::OkStatus();
}

std::optional<std::string> DesiredStore::Unseal(const absl::StatusOr<identity::Sealer>& sealer,
                                                std::string_view key,
                                                std::string_view value) {
  // An older version of this program did not seal.
  if (!MayHoldSecrets(key) || !identity::Sealer::IsSealed(value)) return std::string(value);
  if (!sealer.ok()) return std::nullopt;
  auto plain = sealer->Open(value, key);
  if (!plain.ok()) return std::nullopt;
  return *std::move(plain);
}

absl::Status DesiredStore::Seal(std::vector<store::Write>& writes) const {
  std::optional<identity::Sealer> sealer;
  for (store::Write& write : writes) {
    if (!write.value || !MayHoldSecrets(write.key)) continue;
    if (!sealer) {
      auto found = find_sealer_();
      if (!found.ok()) return found.status();
      sealer = *std::move(found);
    }
    write.value = sealer->Seal(*write.value, write.key);
  }
  return absl::OkStatus();
}

void DesiredStore::LoadEntry(std::string_view key, std::string_view value) {
  if (key == kTaskRevisionKey) {
    state_.task_revision = ParseNumber(value, 10).value_or(0);
  } else if (key == kConfigRevisionKey) {
    state_.config_revision = ParseNumber(value, 10).value_or(0);
  } else if (key == kConfigKey) {
    state_.config_json = std::string(value);
  } else if (key == kConfigVersionsKey) {
    state_.configs = ConfigVersions::Parse(value);
  } else if (key.starts_with(kTaskPrefix)) {
    task::v1::BootTask task;
    if (task.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      state_.tasks[task.mac()] = std::move(task);
    } else {
      ++unreadable_;
    }
  } else if (key.starts_with(kCommandPrefix)) {
    const auto number = ParseNumber(key.substr(kCommandPrefix.size()), 16);
    auto command = UnpackCommand(value);
    if (number && command) {
      commands_[*number] = *std::move(command);
      next_command_ = *number + 1;
    } else {
      ++unreadable_;
    }
  } else if (key.starts_with(kSeenPrefix)) {
    const auto number = ParseNumber(key.substr(kSeenPrefix.size()), 16);
    if (number) Remember(*number, std::string(value));
  }
}

void DesiredStore::Remember(std::uint64_t sequence, std::string id) {
  seen_ids_.insert(id);
  seen_[sequence] = std::move(id);
  next_seen_ = sequence + 1;
}

asio::awaitable<absl::StatusOr<DesiredChange>> DesiredStore::Commit(
    Compute compute, std::optional<std::string> seen_id, std::optional<NewCommand> command) {
  co_await TakeTurn();
  DesiredChange change;
  if (compute) change = compute(state_);
  std::vector<store::Write> writes;
  AppendWrites(change, writes);
  if (seen_id && done_unstored_.contains(*seen_id)) command.reset();
  std::optional<std::uint64_t> queued;
  if (command) {
    queued = Queue(*command);
    // Who hands it over runs first; the disk's thread would be in its way.
    co_await asio::post(turn_.get_executor(), asio::use_awaitable);
    writes.push_back(
        {NumberedKey(kCommandPrefix, *queued), PackCommand(command->received_at, command->frame)});
  }
  if (seen_id) {
    writes.push_back({NumberedKey(kSeenPrefix, next_seen_), *seen_id});
    if (seen_.size() >= limits::kSeenIds) {
      writes.push_back({NumberedKey(kSeenPrefix, seen_.begin()->first), std::nullopt});
    }
  }
  const absl::Status status = co_await Write(std::move(writes));
  if (!status.ok() && queued) GiveUp(*queued, seen_id);
  if (status.ok()) {
    Apply(change, state_);
    if (seen_id) {
      done_unstored_.erase(*seen_id);
      if (seen_.size() >= limits::kSeenIds) {
        seen_ids_.erase(seen_.begin()->second);
        seen_.erase(seen_.begin());
      }
      Remember(next_seen_, *std::move(seen_id));
    }
  }
  PassTurn();
  if (!status.ok()) co_return status;
  co_return change;
}

std::uint64_t DesiredStore::Queue(const NewCommand& command) {
  const std::uint64_t sequence = next_command_++;
  commands_[sequence] = PendingCommand{command.command, command.received_at, command.held_since};
  if (command.on_waiting) command.on_waiting();
  return sequence;
}

void DesiredStore::GiveUp(std::uint64_t sequence, const std::optional<std::string>& seen_id) {
  commands_.erase(sequence);
  if (!seen_id) return;  // Nobody repeats it.
  if (given_up_.size() >= limits::kSeenIds) given_up_.erase(given_up_.begin());
  given_up_.emplace(sequence, *seen_id);
}

asio::awaitable<absl::Status> DesiredStore::Forget(std::uint64_t sequence) {
  co_await TakeTurn();
  if (const auto given_up = given_up_.extract(sequence)) {
    if (done_unstored_.size() >= limits::kSeenIds) done_unstored_.erase(done_unstored_.begin());
    done_unstored_.insert(given_up.mapped());
    PassTurn();
    co_return absl::OkStatus();
  }
  std::vector<store::Write> writes = {{NumberedKey(kCommandPrefix, sequence), std::nullopt}};
  // After a power cut it may be there again and is handed over once more, which its id makes
  // harmless; the next command need not wait for the disk.
  const absl::Status status = co_await Write(std::move(writes), false);
  if (status.ok()) commands_.erase(sequence);
  PassTurn();
  co_return status;
}

asio::awaitable<absl::Status> DesiredStore::ForgetCommands() {
  co_await TakeTurn();
  std::vector<store::Write> writes;
  for (const auto& [sequence, command] : commands_) {
    writes.push_back({NumberedKey(kCommandPrefix, sequence), std::nullopt});
  }
  const absl::Status status = co_await Write(std::move(writes));
  if (status.ok()) commands_.clear();
  PassTurn();
  co_return status;
}

asio::awaitable<absl::Status> DesiredStore::Write(std::vector<store::Write> writes, bool sync) {
  if (writes.empty()) co_return absl::OkStatus();
  auto apply = [this, sync, writes = std::move(writes)]() mutable {
    absl::Status status = Seal(writes);
    if (status.ok()) status = store_.Apply(writes, sync);
    return status;
  };
  co_return co_await async::OnPool(blocking_, std::move(apply));
}

asio::awaitable<void> DesiredStore::TakeTurn() {
  while (busy_)
    co_await turn_.async_wait(asio::as_tuple(asio::use_awaitable));
  busy_ = true;
}

void DesiredStore::PassTurn() {
  busy_ = false;
  turn_.cancel();
}

}  // namespace tentacle::uplink
