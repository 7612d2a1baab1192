// The REST routes of docs/protocol.md section 1. Home thread only; the database is asked on the
// blocking pool.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/object.hpp>

#include "backend/api/callers.h"
#include "backend/api/router.h"
#include "backend/core/failure_limit.h"
#include "backend/image_files.h"
#include "backend/link/hub.h"
#include "backend/link/live_feed.h"
#include "backend/link/shell_hub.h"
#include "backend/link/watch_hub.h"
#include "backend/metrics.h"
#include "backend/store/job_store.h"
#include "backend/store/key_store.h"
#include "backend/store/node_store.h"
#include "backend/store/prepull_store.h"
#include "backend/store/presence_store.h"
#include "backend/store/site_store.h"
#include "backend/store/task_store.h"
#include "libs/async/on_pool.h"
#include "libs/identity/identity.h"
#include "libs/runtime/log.h"

namespace tentacle::backend {

class Database;

class Api {
 public:
  struct Parts {
    boost::asio::any_io_executor home;
    boost::asio::thread_pool& blocking;
    boost::asio::thread_pool& hashing;  // One thread: images are hashed one after the other.
    runtime::Log log;
    Metrics& metrics;
    Database& database;
    NodeStore& nodes;
    PresenceStore& presence;
    ImageStore& images;
    TaskStore& tasks;
    JobStore& jobs;
    KeyStore& keys;
    ShellStore& shell_store;
    ShellHub& shells;
    WatchHub& watches;
    PrepullStore& prepulls;
    SiteStore& sites;
    Hub& hub;
    LiveFeed& live;
    ImageFiles files;
    std::string api_key;
    // Of orders; enrolled tentacles have pinned its public half.
    identity::IdentityKey signing_key;
    // Beside the host that is asked: of pages that may open shells.
    std::vector<std::string> origins;
    std::string link_secret;  // Of links to images.
    // "http://images.corp.local:8080", what such a link begins with; empty: a path alone.
    std::string image_base_url;
    std::string web_dir;
    net::HttpHandler admin;  // /healthz, /readyz, /metrics
  };

  explicit Api(Parts parts);

  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request);
  // Images whose hash a stopped backend left undone.
  boost::asio::awaitable<void> ResumeHashing();

  const Router& router() const { return router_; }

 private:
  using Reply = boost::asio::awaitable<net::HttpReply>;

  void AddSessionRoutes();
  void AddKeyRoutes();
  void AddServerRoutes();
  void AddNodeRoutes();
  void AddTentacleRoutes();
  void AddNetworkRoutes();
  void AddImageRoutes();
  void AddImageLinkRoutes();
  void AddPrepullRoutes();
  void AddTaskRoutes();
  void AddJobRoutes();
  void AddShellRoutes();
  void AddUpdateRoutes();

  boost::asio::awaitable<net::HttpReply> Authorize(const Route& route, Call call);
  boost::asio::awaitable<net::HttpReply> ForCaller(const Route& route, Call call);
  boost::asio::awaitable<void> NoteAct(Act act);
  // What nobody but the task's own machine knows.
  boost::asio::awaitable<absl::Status> CheckCallback(const Call& call);
  boost::asio::awaitable<absl::StatusOr<int>> TentacleOf(std::string authorization);
  boost::asio::awaitable<absl::Status> RefusalOf(int node_id, std::string token);

  Reply CreateSession(Call call);
  Reply CreateKey(Call call);
  Reply CreateToken(Call call);
  Reply Enroll(Call call);
  Reply UpdateTentacle(Call call);
  Reply DeleteTentacle(Call call);
  Reply Command(Call call, std::string type);
  Reply OpenSocket(Call call);
  Reply DeviceFile(Call call);
  Reply TopologyOf(Call call);
  Reply RegisterImage(Call call);
  Reply PullImage(Call call);
  Reply ImageChunks(Call call);
  Reply ImageBytes(Call call);
  boost::asio::awaitable<absl::StatusOr<std::pair<ImageFile, net::FileSpan>>> OpenImage(int id);
  Reply MakeImageLink(Call call);
  Reply FollowImageLink(Call call);
  Reply CreatePrepull(Call call);
  Reply CancelPrepull(Call call);
  Reply CreateTask(Call call);
  Reply CancelTask(Call call);
  Reply ReportTask(Call call);
  Reply CreateJob(Call call);
  Reply CancelJob(Call call);
  Reply RequestInventory(int node);
  Reply OrderUpdate(Call call);
  Reply AskShell(Call call);
  Reply ApproveShell(Call call);
  Reply TakeShellTicket(Call call);
  Reply ViewShell(Call call);
  Reply Replay(Call call);
  Reply WatchJob(Call call);
  bool IsOwnOrigin(const net::HttpRequest& request) const;
  net::HttpReply Asset(const net::HttpRequest& request) const;

  // A message body with the signed order in it, beside the fields of `beside`.
  std::string SignedBody(int node,
                         std::string_view type,
                         absl::Time expires_at,
                         boost::json::object order,
                         boost::json::object beside) const;
  boost::asio::awaitable<void> HashImage(int id, std::string path);
  boost::asio::awaitable<void> AddChunkList(int id, std::string path, std::string sha256);

  // Runs `work` (returning a StatusOr<std::string> of JSON) on the pool; wraps it as {"<name>":
  // ...} when named.
  template <class Work>
  Reply Json(Work work, std::string name = "") {
    absl::StatusOr<std::string> text = co_await async::OnPool(parts_.blocking, work);
    co_return JsonOr(std::move(text), name);
  }

  static net::HttpReply JsonOr(absl::StatusOr<std::string> text, const std::string& name);

  Parts parts_;
  Router router_;
  Callers callers_;
  FailureLimit token_guesses_;
  FailureLimit key_guesses_;
  int packing_ = 0;  // Answers that are packed just now.
};

// InvalidArgument: not a JSON object.
absl::StatusOr<boost::json::object> ParseBody(const net::HttpRequest& request);
std::string TextField(const boost::json::object& body,
                      std::string_view name,
                      std::string_view fallback = "");
int NumberField(const boost::json::object& body, std::string_view name, int fallback);
// How long a command may wait for its tentacle. InvalidArgument: less than 1 s, more than 30 days.
absl::StatusOr<int> TimeToLive(const boost::json::object& body, int fallback);
// 429: too many failures of this address (RFC 6585 section 4).
net::HttpReply TooManyGuesses();
// An id as text or number; 0 when it is neither.
int IdField(const boost::json::object& body, std::string_view name);
// The reply that stands for a failure.
net::HttpReply StatusReply(const absl::Status& status);
net::HttpReply Empty();

}  // namespace tentacle::backend
