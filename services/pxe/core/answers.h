// Answer files: what an installer is told, made from the task at each request and kept nowhere.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/pxe/core/boot_kind.h"
#include "services/pxe/core/orders.h"

namespace tentacle::pxe {

struct AnswerContext {
  std::string answers_url;
  std::string callback_url;  // Where the installer reports to.
  std::string callback_token;
  ImageFacts image;  // Empty fields: the task has no image.
  std::string salt;  // For password hashes; letters and digits.
  std::vector<std::string> drivers;
};

struct AnswerFile {
  BootKind kind;
  std::string_view name;
  std::string_view content_type;
  // The installer runs: fetching it moves the task to `installing`.
  bool begins_installation;
  // Holds a password or the callback token, so it is needed only once the passwords are here.
  bool secret;
  std::string (*render)(const task::v1::BootTask& task, const AnswerContext& context);
};

// Null for a name that this kind does not have.
const AnswerFile* FindAnswer(BootKind kind, std::string_view name);
std::vector<std::string_view> AnswerNames(BootKind kind);
bool NeedsSecrets(BootKind kind);

}  // namespace tentacle::pxe
