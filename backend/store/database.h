// Connections to PostgreSQL and what may go wrong with them. Only files in store/ include this:
// libpqxx and its exceptions stay here.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace tentacle::backend {

// A row that is not there, a value that is not allowed: thrown inside a transaction, returned by
// Run().
struct StatusError {
  absl::Status status;
};

// Thread safe; Run() blocks.
class Database {
 public:
  Database(std::string url, std::size_t connections) : url_(std::move(url)), idle_(connections) {}

  // Runs `work(pqxx::work&)` in one transaction and commits. Unavailable: no connection, or it
  // broke (the next call opens a new one). AlreadyExists: a unique index said no. InvalidArgument:
  // a value PostgreSQL cannot take.
  template <class Work>
  auto Run(Work work) -> absl::StatusOr<std::invoke_result_t<Work&, pqxx::work&>> {
    std::unique_ptr<pqxx::connection> connection = Take();
    try {
      if (connection == nullptr) connection = std::make_unique<pqxx::connection>(url_);
      pqxx::work transaction(*connection);
      auto result = work(transaction);
      transaction.commit();
      Give(std::move(connection));
      return result;
    } catch (const StatusError& e) {
      Give(std::move(connection));
      return e.status;
    } catch (const std::exception& e) {
      absl::Status status = Translate(e);
      // libpqxx does not call every loss of the connection by that name.
      const bool lost = connection != nullptr && !connection->is_open();
      if (lost) status = absl::UnavailableError(status.message());
      if (absl::IsUnavailable(status)) connection.reset();
      Give(std::move(connection));
      ++failures_;
      return status;
    }
  }

  // The first field of the first row as text; "" when there is none.
  template <class... Args>
  absl::StatusOr<std::string> Text(const char* sql, const Args&... args) {
    return Run([&](pqxx::work& tx) -> std::string {
      const pqxx::result rows = tx.exec_params(sql, args...);
      return rows.empty() || rows[0][0].is_null() ? std::string()
                                                  : rows[0][0].template as<std::string>();
    });
  }

  // How many rows were touched.
  template <class... Args>
  absl::StatusOr<std::size_t> Execute(const char* sql, const Args&... args) {
    return Run([&](pqxx::work& tx) -> std::size_t {
      return tx.exec_params(sql, args...).affected_rows();
    });
  }

  std::uint64_t failures() const { return failures_; }

 private:
  std::unique_ptr<pqxx::connection> Take();
  void Give(std::unique_ptr<pqxx::connection> connection);
  static absl::Status Translate(const std::exception& error);

  std::string url_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<pqxx::connection>> idle_;  // Null: not open at the moment.
  std::atomic<std::uint64_t> failures_ = 0;
};

}  // namespace tentacle::backend
