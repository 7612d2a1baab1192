// The real backend as a child process, on a private PostgreSQL that hub_test.sh has started;
// tentacles made of libs/net and libs/identity; and a look into the database.
#pragma once

#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <thread>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include "libs/identity/identity.h"
#include "libs/net/http_client.h"
#include "libs/net/websocket.h"
#include "tests/backend/backend_process.h"
#include "tests/support/temp_dir.h"

namespace tentacle::backend {

// One backend for all tests of the program: each test has a tentacle of its own in it.
class Bench {
 public:
  static Bench& Get();

  const std::string& base() const { return backend_->base(); }

  const std::string& key() const { return key_; }

  // What a second backend on the same database is started with.
  std::filesystem::path dir() const { return dir_.path(); }

  // With the API key, unless `headers` are given.
  net::ClientReply Call(const std::string& method,
                        const std::string& path,
                        const boost::json::value& body = {});
  net::ClientReply Fetch(const std::string& method,
                         const std::string& path,
                         net::HeaderList headers,
                         const std::string& body = "");
  boost::json::value Json(const std::string& method,
                          const std::string& path,
                          const boost::json::value& body = {});
  boost::json::value Field(const std::string& path, const std::string& pointer);
  // A new API key.
  std::string MakeKey(const std::string& name, const std::string& role);

  // The first field of the first row, or "".
  std::string Sql(const std::string& statement);
  std::unique_ptr<pqxx::connection> Connect() const;
  // Asks until it is so; false after 20 s.
  static bool Until(const std::function<bool()>& is_so);

  // The id of a registered and hashed image of these bytes.
  std::string ImagePath(const std::string& name) const { return dir_ / "images/" + name; }

  std::string MakeImage(const std::string& name, const std::string& bytes);
  // A task for `mac`; {"id", "callbackToken"}. `standby`: 0: none.
  boost::json::value MakeTask(int tentacle, const std::string& mac, int standby = 0);

  std::string Log() const { return backend_->Log(); }

 private:
  Bench();

  TempDir dir_;
  std::string key_;
  std::unique_ptr<BackendProcess> backend_;
  std::unique_ptr<pqxx::connection> database_;
};

// A node of its own, enrolled through REST. Blocking; one thread.
class FakeTentacle {
 public:
  explicit FakeTentacle(const boost::json::value& network = boost::json::object{});

  // Another with the same identity.
  FakeTentacle(const FakeTentacle& other)
      : instance(other.instance), key_(other.key_), id_(other.id_) {}

  ~FakeTentacle();

  int id() const { return id_; }

  std::string text_id() const { return std::to_string(id_); }

  const identity::IdentityKey& key() const { return key_; }

  std::string Token() const;

  // X-Octofleet-Instance; "": not sent.
  std::string instance;
  // Of another backend than the bench's.
  std::string base;

  absl::Status Connect(const std::string& token);

  absl::Status Connect() { return Connect(Token()); }

  // Connects and takes what a greeting without configuration and commands is: tasks.sync.
  boost::json::object ConnectAndSync();
  void Send(const std::string& text);
  void Send(const boost::json::object& message);
  // The next message; an empty object and a failed test when there is none within 20 s.
  boost::json::object Next();
  // Skips what is of other types.
  boost::json::object Await(std::string_view type);
  // True when the next message is the acknowledgement of `id`.
  bool Acknowledged(std::string_view id);
  // Sends with this id and waits for its acknowledgement; what else comes first can be awaited.
  enum class Tables { kForgotten, kKept };
  void Report(std::string id, boost::json::object message, Tables tables = Tables::kForgotten);
  // What came already, without waiting.
  bool IsQuiet();
  // Reads and answers pings in the background while `work` runs, as a living process does.
  void AnswerWhile(const std::function<void()>& work);
  // How the connection ended; reads what comes before it.
  absl::Status End();
  void Close();

 private:
  absl::Status TryToConnect(const std::string& token);
  void StartReading();
  bool RunUntil(const std::function<bool()>& is_so);

  identity::IdentityKey key_;
  int id_ = 0;
  boost::asio::io_context io_;
  std::shared_ptr<net::WebSocket> socket_;
  std::deque<std::string> received_;
  absl::StatusOr<bool> reading_ = false;
};

// What the page hears of GET /api/v1/events.
class FakePage {
 public:
  FakePage();
  ~FakePage();
  // True when this change is heard, or was since the page listens.
  bool Hears(const boost::json::object& change);

 private:
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::string heard_;
  std::thread reader_;
};

}  // namespace tentacle::backend
