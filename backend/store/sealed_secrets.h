// Passwords in the database: JSON objects, sealed and as base64, for the columns `sealed_secrets`.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <boost/json/object.hpp>

#include "libs/identity/sealer.h"

namespace tentacle::backend {

class Database;

// Whose secrets they are: nobody else's row can be opened as these.
std::string TaskPlace(std::string_view mac);
std::string CommandPlace(int node_id);

// "" for "" and for an empty object.
std::string SealSecrets(const identity::Sealer& sealer,
                        std::string_view secrets_json,
                        std::string_view place);

// Adds them to `object`. DataLoss: sealed under another command key, or changed since.
absl::Status AddSecrets(const identity::Sealer& sealer,
                        std::string_view sealed,
                        std::string_view place,
                        boost::json::object& object);

// What an older version of this program left in plain text. Blocking; before anything else.
absl::Status SealWhatIsPlain(Database& database, const identity::Sealer& sealer);

}  // namespace tentacle::backend
