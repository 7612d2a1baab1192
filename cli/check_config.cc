#include "cli/check_config.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/commands.h"
#include "libs/config/config.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitConfig = 78;

}  // namespace

int CheckConfig(const std::vector<std::string>& args) {
  std::string path = DefaultPaths().ConfigFile();
  bool show = false;
  CLI::App app{
      "Read a configuration file as the services do, environment included, and say what is wrong"};
  app.name("octofleet-tentacle check-config");
  app.add_option("file", path, "The file")->capture_default_str();
  app.add_flag("--show", show, "Print the effective configuration");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  if (!std::filesystem::exists(path)) {
    std::cerr << fmt::format("{}: not there\n", path);
    return kExitConfig;
  }
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  config::Layers layers;
  layers.yaml = content.str();
  layers.yaml_name = path;
  layers.environment = config::ProcessEnvironment();
  const auto loaded = config::Load(layers);
  if (!loaded.ok()) {
    std::cerr << std::string(loaded.status().message()) << "\n";
    return kExitConfig;
  }
  std::cout << (show ? config::ToYaml(*loaded) : fmt::format("{}: good\n", path));
  return 0;
}

}  // namespace tentacle::cli
