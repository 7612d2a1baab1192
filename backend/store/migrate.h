// The schema, brought up to date.
#pragma once

#include <absl/status/status.h>

namespace tentacle::backend {

class Database;

// Applies the numbered migrations that are missing, each in one transaction, under an advisory
// lock, so that two backends that start together do it once. FailedPrecondition: the database is
// newer than this program.
absl::Status Migrate(Database& database);

}  // namespace tentacle::backend
