#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "backend/backend.h"
#include "libs/config/secret_variable.h"
#include "libs/runtime/build_info.h"

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;

}  // namespace

int main(int argc, char** argv) {
  tentacle::backend::Options options;
  std::string api_key_file;
  std::string database_file;
  CLI::App app{
      "The backend of Octofleet's tentacles: REST, WebSocket, images and the page on one port"};
  app.set_version_flag("--version",
                       fmt::format("octofleet-backend {}", tentacle::runtime::Version()));
  app.add_option("--listen", options.listen, "Address and port")
      ->envname("OCTOFLEET_LISTEN")
      ->capture_default_str();
  app.add_option("--database", options.database, "PostgreSQL URL")->envname("OCTOFLEET_DATABASE");
  app.add_option("--database-file", database_file,
                 "File with the URL, for one that holds a password")
      ->envname("OCTOFLEET_DATABASE_FILE");
  app.add_option("--image-dir", options.image_dir, "Folder of image files")
      ->envname("OCTOFLEET_IMAGE_DIR")
      ->required();
  app.add_option("--web-dir", options.web_dir, "Folder of the built web page")
      ->envname("OCTOFLEET_WEB_DIR");
  app.add_option("--image-base-url", options.image_base_url,
                 "Where machines fetch images in relay mode, such as http://images.corp.local:8080")
      ->envname("OCTOFLEET_IMAGE_BASE_URL");
  app.add_option("--api-key-file", api_key_file, "File with the API key that may do everything")
      ->envname("OCTOFLEET_API_KEY_FILE")
      ->required();
  app.add_option("--origin", options.origins,
                 "Origin of a page on another host that may open shells")
      ->envname("OCTOFLEET_ORIGIN");
  app.add_option("--command-key-file", options.command_key_file,
                 "Key that commands are signed with; made when missing")
      ->envname("OCTOFLEET_COMMAND_KEY_FILE");
  app.add_option("--trusted-proxy", options.trusted_proxies,
                 "Address of a reverse proxy in front; may be given more than once")
      ->envname("OCTOFLEET_TRUSTED_PROXY")
      ->delimiter(',');
  app.add_flag("--shell-approval", options.shell_approval,
               "Each remote shell has to be approved by somebody with another key, of role admin")
      ->envname("OCTOFLEET_SHELL_APPROVAL");
  CLI11_PARSE(app, argc, argv);
  // Whether it was used or not: it has a password.
  if (tentacle::config::TakeSecret("OCTOFLEET_DATABASE") && database_file.empty())
    std::cerr << "octofleet-backend: OCTOFLEET_DATABASE was readable in /proc; "
                 "OCTOFLEET_DATABASE_FILE is not\n";
  if (!database_file.empty()) options.database = tentacle::config::FirstLineOf(database_file);
  options.api_key = tentacle::config::FirstLineOf(api_key_file);
  if (options.api_key.empty() || options.database.empty()) {
    std::cerr << "octofleet-backend: the API key file or the database URL is empty\n";
    return kExitUsage;
  }
  if (options.command_key_file.empty()) {
    options.command_key_file =
        (std::filesystem::path(api_key_file).parent_path() / "command.key").string();
  }
  const absl::Status status = tentacle::backend::Serve(options);
  if (status.ok()) return 0;
  std::cerr << "octofleet-backend: " << std::string(status.message()) << "\n";
  return kExitUnavailable;
}
