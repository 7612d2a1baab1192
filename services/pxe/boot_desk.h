// Where DHCP, TFTP, HTTP and gRPC meet the one table of tasks: each asks the desk, the desk asks
// the core, writes down what changed and reports it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libs/async/turn.h"
#include "libs/events/event_log.h"
#include "libs/runtime/clock.h"
#include "libs/runtime/log.h"
#include "services/pxe/boot_archive.h"
#include "services/pxe/boot_folder.h"
#include "services/pxe/core/boot_record.h"
#include "services/pxe/core/boot_request.h"
#include "services/pxe/core/boot_table.h"
#include "services/pxe/core/kernel_boot.h"
#include "services/pxe/core/loader_loops.h"
#include "services/pxe/core/orders.h"
#include "services/pxe/core/standby_watch.h"
#include "services/pxe/metrics.h"
#include "services/pxe/peers.h"
#include "services/pxe/task_dir.h"

namespace tentacle::pxe {

// Why orders or an answer file were not granted: what HTTP answers.
struct Refusal {
  unsigned status = 403;
  std::string detail;
};

// Who asks for what over HTTP, and which address of ours was asked.
struct BootCall {
  Asker asker;
  std::string our_ip;
  std::uint16_t http_port = 0;
};

struct ScriptRequest {
  wire::MacAddress mac;
  // The machine itself asks; otherwise somebody only looks and nothing moves.
  bool boots = false;
  MachineIdentity identity;
  BootCall call;
  std::string_view loader = "iPXE";  // Who asks; a literal.
};

struct AnswerReply {
  std::string body;
  std::string content_type;
};

// Home thread only.
class BootDesk {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    const runtime::Clock& clock;
    runtime::Log log;
    events::EventLog& events;
    Metrics& metrics;
    CachePeer& cache;
    TaskDir& files;
    BootArchive& archive;
    BootFolder folder;
    std::string secret;
  };

  explicit BootDesk(Parts parts);

  // What was written down before a restart; corrupt files are set aside and told. Blocks, and comes
  // before anything is awaited: a table that uplink pushes meanwhile would otherwise begin tasks
  // anew that are under way.
  absl::Status Restore();

  void SetEnabled(bool enabled) { enabled_ = enabled; }

  bool enabled() const { return enabled_; }

  // DHCP: nothing when the machine may be answered.
  std::optional<DropReason> Admit(const BootRequest& boot, DhcpPort port);
  // The same for TFTP, where a MAC is all that is known.
  std::optional<DropReason> Admit(const wire::MacAddress& mac) const;
  void Answered(const BootRequest& boot, DhcpPort port, std::string_view file);
  // TFTP: the loader went out whole.
  void LoaderSent(const wire::MacAddress& mac, std::string_view file, absl::Duration took);
  // HTTP Boot: the machine fetches its loader.
  void LoaderAskedFor(const wire::MacAddress& mac, std::string_view file);
  // Something worth a line in the timeline of the machine's task, when it has one.
  void Note(const wire::MacAddress& mac, std::string_view step, std::string_view detail);

  // HTTP.
  // For iPXE and for GRUB. Nothing for a MAC without a task; on to the disk for one whose disk is
  // written.
  boost::asio::awaitable<std::optional<std::string>> Script(ScriptRequest request);
  boost::asio::awaitable<std::optional<std::string>> GrubScript(ScriptRequest request);
  boost::asio::awaitable<std::variant<std::string, Refusal>> Orders(std::string token,
                                                                    BootCall call);
  // An answer file of the task whose token it is, made now.
  boost::asio::awaitable<std::variant<AnswerReply, Refusal>> Answer(std::string token,
                                                                    std::string name,
                                                                    BootCall call);
  // Returns when the report is durable here.
  boost::asio::awaitable<absl::Status> Report(std::string task_id,
                                              std::string token,
                                              pxe::Report report);

  // gRPC. What the backend's clock says; nothing: uplink does not know either.
  void LearnTime(std::optional<absl::Time> backend_time);
  // A table that is older than the one here changes nothing.
  boost::asio::awaitable<std::vector<RefusedTask>> Replace(std::uint64_t revision,
                                                           std::vector<task::v1::BootTask> tasks);

  const BootTable& table() const { return table_; }

  // DHCP and TFTP tell what they see; a machine that fetches its script, or has another task,
  // begins anew.
  LoaderLoops& loops() { return loops_; }

  const BootRecords& boots() const { return boots_; }

  // Asks the cache for the images of new tasks until it has taken each request, and tells it which
  // images open tasks need. Ends when cancelled.
  boost::asio::awaitable<void> PullImages();
  // Looks at what has been silent for too long. Ends when cancelled.
  boost::asio::awaitable<void> WatchDeadlines();
  void CheckDeadlines();

 private:
  // The clock; a step of it is noticed first, so that nobody's time is over by it.
  absl::Time Now();
  // Ours once uplink has not known the backend's for a while; nothing until then.
  std::optional<absl::Time> BackendNow();

  // What a machine that asks for its script is to do.
  struct Plan {
    enum class Do { kNothing, kLocalBoot, kWait, kBoot };
    Do what = Do::kNothing;
    std::string reason;  // Of kWait.
    BootKind kind = BootKind::kLinuxImage;
    task::v1::BootTask task;
    BootContext context;
  };

  boost::asio::awaitable<Plan> PlanBoot(ScriptRequest request);
  // For a machine whose task went, or became `task`, while it was served.
  static Plan Changed(const TrackedTask* task);
  // Nothing once the task is this tentacle's alone, or when it always was: what writes a disk waits
  // for that. Two tentacles that both have a task cannot both be given it.
  std::optional<Refusal> RefuseShared(const TrackedTask& task);
  // What a machine does meanwhile that asks for its script; nothing: as above.
  std::optional<Plan> PlanShared(const TrackedTask& task, bool boots);
  void ForgetShared(const wire::MacAddress& mac);
  // Why the task cannot boot its machine now, or "".
  std::string Obstacle(const TrackedTask& task, BootKind kind) const;
  // Tells the machine's beginning of a boot; false when the task is over by that. Durable when it
  // returns, so that a machine which has a script finds its orders whatever happens to us.
  boost::asio::awaitable<bool> BeginBoot(ScriptRequest request);
  Refusal RefuseOrders(OrdersVerdict verdict, const std::string& address);
  Refusal RefuseAnswer(AnswerVerdict verdict,
                       const TrackedTask* task,
                       std::string_view name,
                       const Asker& asker);
  // Something that a person should look at.
  void Alert(const TrackedTask& task, std::string_view kind, std::string_view sentence);
  // The image's facts for a machine that asked `call`; an empty one for a task without an image.
  boost::asio::awaitable<absl::StatusOr<ImageFacts>> ImageOf(std::string image_id, BootCall call);
  // A step of a boot, for the backend and for the machine's record.
  void Timeline(const TrackedTask& task, std::string_view step, std::string_view detail);
  void PublishStep(std::string_view task_id, std::string_view step, std::string_view detail);
  // `step` is the one in which the machine got its loader.
  void HasLoader(const wire::MacAddress& mac, std::string_view step, std::string_view detail);
  // Tells how boots ended.
  void CloseIfEnded(const TrackedTask& task);
  void Ended(const std::vector<BootRecord>& boots);
  absl::Status RestoreBoots();
  // Writes down what has changed in the machines' records; what was noted before is in the store
  // when it returns.
  boost::asio::awaitable<void> KeepBoots();
  void KeepBootsLater();
  void CountTasks();
  void NoteNeededImages();
  boost::asio::awaitable<void> TellNeededImages();
  // Writes the task down and reports its status; both done when it returns.
  boost::asio::awaitable<absl::Status> Settle(TrackedTask task);
  void SettleLater(TrackedTask task);
  // The same for what an installer reported; Unauthenticated when the task was cancelled meanwhile.
  boost::asio::awaitable<absl::Status> SettleReport(TrackedTask task);
  // The file before the word of it: after a kill one that calls the task open would let its machine
  // be installed.
  boost::asio::awaitable<void> SettleCancelled(TrackedTask gone);
  // False once the task was cancelled or its machine began anew: what was granted before that is
  // not given.
  bool IsStillWanted(const TrackedTask& task) const;
  boost::asio::awaitable<absl::Status> SaveFile(TrackedTask task);
  boost::asio::awaitable<void> RemoveFile(wire::MacAddress mac);
  boost::asio::awaitable<void> Tell(wire::MacAddress mac, std::string message);

  Parts parts_;
  std::optional<absl::Duration> clock_ahead_;    // Of the steady clock, when it was last looked at.
  std::optional<absl::Duration> backend_ahead_;  // Of the steady clock.
  const absl::Time started_;                     // By the steady clock.
  BootTable table_;
  BootRecords boots_;
  async::Turn boots_turn_;
  bool boots_wait_ = false;  // KeepBootsLater() was called, and has not begun.
  LoaderLoops loops_;
  StandbyWatch standby_;
  SharedWaits shared_waits_;
  bool enabled_ = true;
  async::Turn file_turn_;
  std::set<std::string> wanted_images_;
  std::set<std::string> needed_images_;  // Of open tasks.
  bool needed_told_ = false;
  boost::asio::steady_timer pull_wake_;
  boost::asio::steady_timer deadline_timer_;
};

}  // namespace tentacle::pxe
