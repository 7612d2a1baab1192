// The tasks of this segment by MAC, each with how far it has come. Pure: time, addresses and the
// secret behind the tokens are arguments; whoever changes a task gets it back to write it down and
// to report it.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "libs/wire/mac_address.h"
#include "services/pxe/core/boot_progress.h"
#include "services/pxe/core/machine_identity.h"

namespace tentacle::pxe {

struct Redemption {
  std::string address;  // Who used the token of this boot; empty: nobody yet.
  unsigned times = 0;
  absl::Time first = absl::InfinitePast();
};

struct TrackedTask {
  wire::MacAddress mac;
  task::v1::BootTask task;
  task::v1::BootProgress progress;
  // Grows when the machine starts over; tokens of an earlier boot are worth nothing.
  std::uint32_t boot_number = 1;
  Redemption redemption;
  absl::Time last_discover = absl::InfinitePast();
  // Of the boot under way: who fetched its script, when, and which answer files it has had.
  std::string boot_address;
  absl::Time script_at = absl::InfinitePast();
  std::map<std::string, Redemption> answers;
  // The first machine that booted for this task; another with the same network card is refused.
  MachineIdentity seen;
  // Boots since `loop_since`.
  unsigned boots = 0;
  absl::Time loop_since = absl::InfinitePast();
  // Since when its reports could have been heard.
  absl::Time watched_since = absl::InfinitePast();
  // False after a restart until the task comes again: files hold no passwords.
  bool has_secrets = true;
};

// Who asks for an answer file.
struct Asker {
  std::string address;
  // By the neighbour table; nothing behind a router.
  std::optional<wire::MacAddress> mac;
};

enum class AnswerVerdict {
  kGranted,
  kUnknownToken,
  kUsedUp,        // Fetched often enough, too late, or the installation is past it.
  kOtherMachine,  // The token is right, the machine is not the one that booted.
};

struct Report {
  std::string event;
  std::string message;
  std::string error;
  std::optional<unsigned> percent;
};

struct RefusedTask {
  std::string task_id;
  std::string reason;
};

struct Replacement {
  std::vector<wire::MacAddress> added;    // New here: their images are to be fetched.
  std::vector<TrackedTask> cancelled;     // Open until now and no longer in the table.
  std::vector<wire::MacAddress> removed;  // Their files go.
  // Shared with another tentacle until now and no longer, or the other way round.
  std::vector<wire::MacAddress> role_changed;
  std::vector<RefusedTask> refused;
};

enum class OrdersVerdict { kGranted, kUnknownToken, kUsedUp };

// The same answer for a task that is not there: nobody learns which ids exist.
absl::Status UnknownCallback();

class BootTable {
 public:
  // Random, 32 octets or more; kept over restarts, so that tokens are the same after one.
  explicit BootTable(std::string secret) : secret_(std::move(secret)) {}

  // What was written down before a restart.
  void Restore(TrackedTask task);
  // The whole table of a revision. Known ids keep their progress.
  Replacement Replace(std::uint64_t revision,
                      const std::vector<task::v1::BootTask>& tasks,
                      absl::Time now);

  std::uint64_t revision() const { return revision_; }

  const std::map<wire::MacAddress, TrackedTask>& tasks() const { return tasks_; }

  const TrackedTask* Find(const wire::MacAddress& mac) const;
  const TrackedTask* FindById(std::string_view task_id) const;

  // True when this DISCOVER begins a boot; those within kSameBoot of the last one belong to it.
  bool NoteDiscover(const wire::MacAddress& mac, absl::Time now);
  // The step's effect on the MAC's task; the task when its status changed.
  const TrackedTask* Step(const wire::MacAddress& mac, BootStep step, absl::Time now);

  std::string BootToken(const TrackedTask& task) const;
  std::string CallbackToken(const TrackedTask& task) const;
  // Who may redeem the token, without redeeming it.
  OrdersVerdict JudgeOrders(std::string_view token,
                            std::string_view address,
                            absl::Time now,
                            const TrackedTask** task) const;
  // After JudgeOrders() granted it.
  const TrackedTask* Redeem(const wire::MacAddress& mac, std::string_view address, absl::Time now);

  // The machine that boots for the MAC's task says who it is: why it is refused, or "". The first
  // one is remembered.
  std::string CheckMachine(const wire::MacAddress& mac, const MachineIdentity& seen);
  // The machine itself has fetched its script. False: it has started over too often and the task
  // has failed.
  bool BeginBoot(const wire::MacAddress& mac, std::string_view address, absl::Time now);

  std::string AnswerToken(const TrackedTask& task) const;
  // For password hashes: the same for a boot, so that a repeated answer is the same, and no secret.
  std::string Salt(const TrackedTask& task) const;
  // The task whose answer token it is; the verdict is about the file `name` of it.
  AnswerVerdict JudgeAnswer(std::string_view token,
                            std::string_view name,
                            const Asker& asker,
                            absl::Time now,
                            const TrackedTask** task) const;
  // After JudgeAnswer() granted it. `begins`: the installer runs, the task is installing from now
  // on.
  const TrackedTask* RedeemAnswer(const wire::MacAddress& mac,
                                  std::string_view name,
                                  std::string_view address,
                                  bool begins,
                                  absl::Time now);

  // The clock was set: what was so long ago stays so long ago.
  void ClockStepped(absl::Duration by);
  // Tasks whose time is over, or that nothing has been heard of for too long, after what that did
  // to them. `backend_now` as in boot_deadline.h.
  std::vector<TrackedTask> Expire(absl::Time now, std::optional<absl::Time> backend_now);

  // Unauthenticated: wrong token. InvalidArgument: no such event. FailedPrecondition: the task is
  // not at work. OK and no `changed`: known already, or overtaken by a later stage.
  absl::Status Apply(std::string_view task_id,
                     std::string_view token,
                     const Report& report,
                     absl::Time now,
                     const TrackedTask** changed);
  // Says something about a task without moving it; false when it says so already.
  bool SetMessage(const wire::MacAddress& mac, const std::string& message, absl::Time now);

 private:
  std::string Token(std::string_view purpose, const TrackedTask& task) const;

  std::string secret_;
  std::uint64_t revision_ = 0;
  std::map<wire::MacAddress, TrackedTask> tasks_;
};

}  // namespace tentacle::pxe
