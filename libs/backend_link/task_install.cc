// The fields of a task that only some operating systems need. What reaches a kernel command line, a
// batch file or a URL as it is may hold few characters; passwords and scripts may hold any, since
// they are only ever encoded.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include <absl/strings/match.h>

#include "libs/backend_link/task_fields.h"
#include "libs/text/view.h"

namespace tentacle::backend_link {

namespace {

using task::v1::BootTask;

constexpr std::size_t kMaxPasswordBytes = 256;       // Windows takes 127 characters.
constexpr std::size_t kMaxScriptBytes = 64 * 1024;   // It travels inside an answer file.
constexpr std::size_t kMaxAccountBytes = 64 * 1024;  // 4 KiB, more with certificates and policies.
constexpr std::size_t kMaxKernelWords = 64;          // A command line has 2048 characters.
constexpr std::uint64_t kMaxImageIndex = 100;        // Windows media hold a dozen editions.

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-' ||
         c == '+';
}

bool IsUrlCharacter(char c) {
  return IsWordCharacter(c) || c == ':' || c == '/' || c == '~' || c == '@';
}

// A word of a kernel's command line: no blank, quote, "$" or anything else that a shell or iPXE
// reads.
bool IsKernelCharacter(char c) {
  return IsUrlCharacter(c) || c == '=' || c == ',';
}

template <class Predicate>
bool All(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// A folder or file below the boot folder, as SafeBootPath() of pxe takes it.
absl::StatusOr<std::string> BootPath(const json::object& object,
                                     std::string_view name,
                                     std::string_view field) {
  auto path = Text(object, name, field);
  if (!path.ok()) return path;
  const auto allowed = [](char c) { return IsWordCharacter(c) || c == '/'; };
  const bool climbs = path->starts_with(".") || path->find("/.") != std::string::npos;
  if (!path->empty() && (climbs || path->starts_with("/") || !All(*path, allowed))) {
    return Wrong(field, "is not a path below the boot folder (letters, digits, . _ - + and /)");
  }
  return path;
}

absl::StatusOr<std::string> HttpUrl(const json::object& object,
                                    std::string_view name,
                                    std::string_view field) {
  auto url = Text(object, name, field);
  if (!url.ok() || url->empty()) return url;
  const bool scheme = url->starts_with("http://") || url->starts_with("https://");
  const std::size_t host = url->find("//") + 2;
  if (!scheme || host >= url->size() || url->at(host) == '/' || !All(*url, IsUrlCharacter)) {
    return Wrong(field, "is not a plain http address");
  }
  return url;
}

absl::Status ParseMachine(const json::object& task, BootTask& parsed) {
  const auto machine = Section(task, "machine");
  if (!machine.ok() || *machine == nullptr) return machine.status();
  auto uuid = Text(**machine, "uuid", "machine.uuid");
  if (!uuid.ok()) return uuid.status();
  for (char& c : *uuid)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto serial = Text(**machine, "serial", "machine.serial");
  if (!serial.ok()) return serial.status();
  parsed.mutable_machine()->set_uuid(*uuid);
  parsed.mutable_machine()->set_serial(*serial);
  return absl::OkStatus();
}

absl::Status ParseKernel(const json::object& task, BootTask& parsed) {
  const auto kernel = Section(task, "kernel");
  if (!kernel.ok()) return kernel.status();
  const bool needed = parsed.os_type() == "plain-kernel";
  if (*kernel == nullptr) return needed ? Wrong("kernel", "is missing") : absl::OkStatus();
  const auto path = BootPath(**kernel, "path", "kernel.path");
  if (!path.ok()) return path.status();
  if (needed && path->empty()) return Wrong("kernel.path", "is missing");
  const auto initrd = BootPath(**kernel, "initrd", "kernel.initrd");
  if (!initrd.ok()) return initrd.status();
  const auto words =
      TextList(**kernel, "arguments", "kernel.arguments", kMaxKernelWords, kMaxTextBytes);
  if (!words.ok()) return words.status();
  parsed.mutable_kernel()->set_path(*path);
  parsed.mutable_kernel()->set_initrd(*initrd);
  for (const std::string& word : *words) {
    if (!All(word, IsKernelCharacter))
      return Wrong("kernel.arguments", "holds a character that a word may not have");
    parsed.mutable_kernel()->add_arguments(word);
  }
  return absl::OkStatus();
}

// Whoever reads the answer file would have the domain. "CORP\Administrator", "administrator@corp".
bool IsDomainAdmin(std::string_view user) {
  user = user.substr(user.rfind('\\') + 1);
  return absl::EqualsIgnoreCase(text::AbslView(user.substr(0, user.find('@'))), "administrator");
}

bool IsBase64(std::string_view text) {
  return All(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '=';
  });
}

absl::Status ParseDomain(const json::object& task, BootTask& parsed) {
  const auto domain = Section(task, "domain");
  if (!domain.ok() || *domain == nullptr) return domain.status();
  const auto name = Text(**domain, "name", "domain.name");
  const auto user = Text(**domain, "user", "domain.user");
  const auto password = Text(**domain, "password", "domain.password", kMaxPasswordBytes);
  const auto unit = Text(**domain, "ou", "domain.ou");
  const auto account = Text(**domain, "accountData", "domain.accountData", kMaxAccountBytes);
  for (const auto* field : {&name, &user, &password, &unit, &account}) {
    if (!field->ok()) return field->status();
  }
  if (!All(*name, IsWordCharacter)) return Wrong("domain.name", "is not the name of a domain");
  if (IsDomainAdmin(*user)) {
    return Wrong(
        "domain.user",
        "is the domain's administrator: name an account that may join machines and nothing "
        "else, or give accountData");
  }
  if (!IsBase64(*account)) return Wrong("domain.accountData", "is not Base64");
  if (!account->empty() && !(user->empty() && password->empty() && unit->empty())) {
    return Wrong("domain.accountData", "joins by itself: leave out user, password and ou");
  }
  parsed.mutable_domain()->set_name(*name);
  parsed.mutable_domain()->set_user(*user);
  parsed.mutable_domain()->set_password(*password);
  parsed.mutable_domain()->set_organizational_unit(*unit);
  parsed.mutable_domain()->set_account_data(*account);
  return absl::OkStatus();
}

absl::Status ParsePostInstall(const json::object& task, BootTask& parsed) {
  const auto post = Section(task, "postInstall");
  if (!post.ok() || *post == nullptr) return post.status();
  const auto script = Text(**post, "script", "postInstall.script", kMaxScriptBytes);
  if (!script.ok()) return script.status();
  const auto rdp = Flag(**post, "enableRdp", "postInstall.enableRdp");
  if (!rdp.ok()) return rdp.status();
  const auto agent = HttpUrl(**post, "agentUrl", "postInstall.agentUrl");
  if (!agent.ok()) return agent.status();
  parsed.mutable_post_install()->set_script(*script);
  parsed.mutable_post_install()->set_enable_rdp(*rdp);
  parsed.mutable_post_install()->set_agent_url(*agent);
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseInstallation(const json::object& task, BootTask& parsed) {
  const auto installer = BootPath(task, "installer", "installer");
  if (!installer.ok()) return installer.status();
  const auto mirror = HttpUrl(task, "mirror", "mirror");
  if (!mirror.ok()) return mirror.status();
  const auto index = Number(task, "imageIndex", "imageIndex", kMaxImageIndex);
  if (!index.ok()) return index.status();
  const auto password = Text(task, "adminPassword", "adminPassword", kMaxPasswordBytes);
  if (!password.ok()) return password.status();
  parsed.set_installer(*installer);
  parsed.set_mirror(*mirror);
  parsed.set_image_index(static_cast<std::uint32_t>(*index));
  parsed.set_admin_password(*password);
  absl::Status status = ParseMachine(task, parsed);
  if (status.ok()) status = ParseKernel(task, parsed);
  if (status.ok()) status = ParseDomain(task, parsed);
  if (status.ok()) status = ParsePostInstall(task, parsed);
  return status;
}

}  // namespace tentacle::backend_link
