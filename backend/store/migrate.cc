#include "backend/store/migrate.h"

#include <fmt/format.h>

#include <array>

#include "backend/store/database.h"
#include "backend/store/migration_0002.inc"
#include "backend/store/migration_0003.inc"
#include "backend/store/migration_0004.inc"
#include "backend/store/migration_0005.inc"
#include "backend/store/migration_0006.inc"
#include "backend/store/migration_0007.inc"
#include "backend/store/migration_0008.inc"
#include "backend/store/migration_0009.inc"
#include "backend/store/migration_0010.inc"
#include "backend/store/migration_0011.inc"
#include "backend/store/migration_0012.inc"
#include "backend/store/migration_0013.inc"
#include "backend/store/migration_0014.inc"
#include "backend/store/migrations.inc"

namespace tentacle::backend {

namespace {

constexpr long kLock = 0x74656e74;  // Any number, the same in every backend.
constexpr std::array<const char*, 14> kMigrations = {
    kMigration0001, kMigration0002, kMigration0003, kMigration0004, kMigration0005,
    kMigration0006, kMigration0007, kMigration0008, kMigration0009, kMigration0010,
    kMigration0011, kMigration0012, kMigration0013, kMigration0014};

}  // namespace

absl::Status Migrate(Database& database) {
  const auto applied = database.Run([](pqxx::work& tx) {
    tx.exec_params("SELECT pg_advisory_xact_lock($1)", kLock);
    tx.exec(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, "
        "applied_at TIMESTAMPTZ NOT NULL DEFAULT now())");
    const auto version =
        tx.exec("SELECT coalesce(max(version), 0) FROM schema_migrations")[0][0].as<std::size_t>();
    if (version > kMigrations.size()) {
      throw StatusError{absl::FailedPreconditionError(fmt::format(
          "the database has schema {}, this program knows up to {}", version, kMigrations.size()))};
    }
    for (std::size_t next = version; next < kMigrations.size(); ++next) {
      tx.exec(kMigrations[next]);
      tx.exec_params("INSERT INTO schema_migrations (version) VALUES ($1)", next + 1);
    }
    return kMigrations.size() - version;
  });
  return applied.status();
}

}  // namespace tentacle::backend
