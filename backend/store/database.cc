#include "backend/store/database.h"

#include <fmt/format.h>

namespace tentacle::backend {

namespace {

// libpq's messages end with new lines and hold the statement; the first line is for people.
std::string FirstLine(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::unique_ptr<pqxx::connection> Database::Take() {
  std::unique_lock lock(mutex_);
  free_.wait(lock, [this] { return !idle_.empty(); });
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Database::Give(std::unique_ptr<pqxx::connection> connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
  free_.notify_one();
}

absl::Status Database::Translate(const std::exception& error) {
  const std::string text = fmt::format("database: {}", FirstLine(error));
  if (dynamic_cast<const pqxx::unique_violation*>(&error) != nullptr)
    return absl::AlreadyExistsError(text);
  if (dynamic_cast<const pqxx::data_exception*>(&error) != nullptr ||
      dynamic_cast<const pqxx::integrity_constraint_violation*>(&error) != nullptr) {
    return absl::InvalidArgumentError(text);
  }
  if (dynamic_cast<const pqxx::broken_connection*>(&error) != nullptr)
    return absl::UnavailableError(text);
  // 57P01 and the like: the server is going down or coming up.
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  if (sql != nullptr && sql->sqlstate().starts_with("57P")) return absl::UnavailableError(text);
  // 21: a row twice in one statement; 54: larger than a row or an index may be. The same value is
  // refused every time.
  if (sql != nullptr && (sql->sqlstate().starts_with("21") || sql->sqlstate().starts_with("54"))) {
    return absl::InvalidArgumentError(text);
  }
  if (sql == nullptr && dynamic_cast<const pqxx::failure*>(&error) != nullptr)
    return absl::UnavailableError(text);
  return absl::InternalError(text);
}

}  // namespace tentacle::backend
