#include "cli/pins.h"

#include <fmt/format.h>
#include <tentacle/config/v1/config_service.grpc.pb.h>
#include <tentacle/uplink/v1/uplink_service.grpc.pb.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/service_client.h"
#include "libs/config/config.h"
#include "libs/store/durable_file.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr int kExitConfig = 78;

// What uplink connects with, whoever set it.
int Print() {
  ServiceClient<config::v1::ConfigService> uplink("uplink");
  config::v1::GetConfigResponse answer;
  const grpc::Status status = uplink.Ask(&config::v1::ConfigService::StubInterface::GetConfig,
                                         config::v1::GetConfigRequest(), &answer);
  if (!status.ok()) {
    std::cerr << fmt::format("pins: uplink does not answer: {}\n", status.error_message());
    return kExitUnavailable;
  }
  const auto& pins = answer.config().backend().pins();
  if (pins.empty()) std::cout << "none: whatever a CA vouches for is accepted\n";
  for (const std::string& pin : pins)
    std::cout << pin << "\n";
  return 0;
}

// In the file for the next start, and at uplink for what the backend has set.
int Reset() {
  const runtime::Paths paths = DefaultPaths();
  const std::string path = paths.ConfigFile();
  const std::string before = ReadFile(path);
  config::TentacleConfig config;
  absl::Status status = config::MergeYaml(before, path, &config);
  if (!status.ok()) {
    std::cerr << fmt::format("pins: {}\n", std::string(status.message()));
    return kExitConfig;
  }
  if (const int count = config.backend().pins_size(); count > 0) {
    config.mutable_backend()->clear_pins();
    status = WriteFile(path + ".bak", before);
    if (status.ok()) status = WriteFile(path, config::ToYaml(config));
    if (status.ok()) status = store::SyncFolder(paths.state_dir);
    if (!status.ok()) {
      std::cerr << fmt::format("pins: {}\n", std::string(status.message()));
      return kExitConfig;
    }
    std::cout << fmt::format("{} pins removed from {}, which is kept as config.yaml.bak\n", count,
                             path);
  }
  ServiceClient<uplink::v1::UplinkService> uplink("uplink");
  uplink::v1::ForgetPinsResponse answer;
  const grpc::Status told = uplink.Ask(&uplink::v1::UplinkService::StubInterface::ForgetPins,
                                       uplink::v1::ForgetPinsRequest(), &answer);
  if (!told.ok()) {
    std::cerr << fmt::format(
        "pins: uplink does not answer ({}): what the backend has set is still there\n",
        told.error_message());
    return kExitUnavailable;
  }
  std::cout << "uplink connects without pins until the backend sets some again\n";
  return 0;
}

}  // namespace

int Pins(const std::vector<std::string>& args) {
  bool reset = false;
  CLI::App app{
      "The keys of the backend that are accepted beside a certificate that a CA vouches for"};
  app.name("octofleet-tentacle pins");
  app.add_flag("--reset", reset,
               "Accept any certificate that a CA vouches for, until the backend sets pins again");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  return reset ? Reset() : Print();
}

}  // namespace tentacle::cli
