// Answer files of the Linux installers. Each value is quoted or encoded as its language wants;
// passwords go as hashes. Pure.
#pragma once

#include <string>

#include "services/pxe/core/answers.h"

namespace tentacle::pxe {

// A shell script for all three: reports, the choice of the disk, the last steps
// (assets/octofleet-install.sh behind the task's values in single quotes).
std::string InstallHelper(const task::v1::BootTask& task, const AnswerContext& context);

// debian-installer (Debian installation guide, appendix B).
std::string Preseed(const task::v1::BootTask& task, const AnswerContext& context);

// cloud-init and Subiquity. user-data is JSON, which is YAML: no value can leave its quotes.
std::string UserData(const task::v1::BootTask& task, const AnswerContext& context);
std::string MetaData(const task::v1::BootTask& task, const AnswerContext& context);
std::string VendorData(const task::v1::BootTask& task, const AnswerContext& context);

// Anaconda (pykickstart documentation).
std::string Kickstart(const task::v1::BootTask& task, const AnswerContext& context);

// "$6$salt$…" (SHA-512 crypt), or "!" when there is no password: nobody signs in with one then.
std::string PasswordHash(const std::string& password, const std::string& salt);

}  // namespace tentacle::pxe
