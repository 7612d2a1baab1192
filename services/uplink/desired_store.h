// What the backend said, durable below host.store: the desired state ("desired/"), commands that
// wait for their service ("command/") and the ids of messages that were taken already ("seen/").
// Loaded at start, so that a restart with the backend away still pushes. Tasks and commands may
// hold passwords: they are sealed with the identity key.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/identity/sealer.h"
#include "libs/store/store.h"
#include "services/uplink/core/desired_state.h"
#include "services/uplink/core/routing.h"

namespace tentacle::uplink {

struct PendingCommand {
  Command command;
  absl::Time received_at;
  // Since when we hold it, by the steady clock; unset where it waited over a restart.
  std::optional<absl::Time> held_since = std::nullopt;
};

// Home thread only; the disk is touched on the pool.
class DesiredStore {
 public:
  using Compute = std::function<DesiredChange(const DesiredState&)>;
  // Blocking; asked before each write and at the start, for the key comes with an enrollment and
  // goes with a removal.
  using FindSealer = std::function<absl::StatusOr<identity::Sealer>()>;

  struct NewCommand {
    Command command;
    std::string frame;  // The message as text: what is stored and routed again at the next start.
    absl::Time received_at;
    absl::Time held_since;  // The same by the steady clock.
    // Told once it is among commands(), which is before it is on the disk.
    std::function<void()> on_waiting;
  };

  DesiredStore(boost::asio::any_io_executor home,
               boost::asio::thread_pool& blocking,
               store::Store& store,
               FindSealer find_sealer);

  // Blocking; before anything else. Entries that cannot be read are left out and counted;
  // those that were sealed with another key are deleted.
  absl::Status Load();

  std::size_t unreadable() const { return unreadable_; }

  const DesiredState& state() const { return state_; }

  // Oldest first, by an own sequence.
  const std::map<std::uint64_t, PendingCommand>& commands() const { return commands_; }

  bool HasSeen(const std::string& message_id) const { return seen_ids_.contains(message_id); }

  // Computes the change from the state in force, makes it durable with everything else in one write
  // and only then applies it. `compute` may be empty. An error means that nothing has changed. The
  // command may be handed over while it is being stored; only when this returns it may be
  // acknowledged. One that was handed over and could not be stored is not handed over again when
  // the backend repeats the message.
  boost::asio::awaitable<absl::StatusOr<DesiredChange>> Commit(Compute compute,
                                                               std::optional<std::string> seen_id,
                                                               std::optional<NewCommand> command);
  // This tentacle belongs to nobody any more: commands go too.
  boost::asio::awaitable<absl::Status> ForgetCommands();
  // The command is done with. Also for one that could not be stored after all.
  boost::asio::awaitable<absl::Status> Forget(std::uint64_t sequence);

 private:
  // Without `sync` it survives a killed process, not a power cut.
  boost::asio::awaitable<absl::Status> Write(std::vector<store::Write> writes, bool sync = true);
  std::uint64_t Queue(const NewCommand& command);
  void GiveUp(std::uint64_t sequence, const std::optional<std::string>& seen_id);
  boost::asio::awaitable<void> TakeTurn();
  void PassTurn();
  absl::Status Seal(std::vector<store::Write>& writes) const;
  // The entry as it was given to Write(); empty: it cannot be read.
  static std::optional<std::string> Unseal(const absl::StatusOr<identity::Sealer>& sealer,
                                           std::string_view key,
                                           std::string_view value);
  void LoadEntry(std::string_view key, std::string_view value);
  void Remember(std::uint64_t sequence, std::string id);

  boost::asio::thread_pool& blocking_;
  store::Store& store_;
  FindSealer find_sealer_;
  boost::asio::steady_timer turn_;  // Cancelled when the turn is free.
  bool busy_ = false;
  std::size_t unreadable_ = 0;

  DesiredState state_;
  std::map<std::uint64_t, PendingCommand> commands_;
  std::uint64_t next_command_ = 1;
  std::map<std::uint64_t, std::string> seen_;
  std::set<std::string, std::less<>> seen_ids_;
  // Of commands that could not be stored: the message's id by sequence, until the hand-over that is
  // under way has ended; and the ids of those that were handed over. Each limits::kSeenIds at most.
  std::map<std::uint64_t, std::string> given_up_;
  std::set<std::string> done_unstored_;
  std::uint64_t next_seen_ = 1;
};

}  // namespace tentacle::uplink
