#include "cli/boots.h"

#include <fmt/format.h>
#include <tentacle/pxe/v1/pxe_service.grpc.pb.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include <absl/time/time.h>

#include "cli/commands.h"
#include "libs/rpc/call.h"
#include "libs/wire/mac_address.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr auto kTimeout = std::chrono::seconds(3);
constexpr int kShown = 20;  // One screen, unless --all.

// What a machine or an installer said: no control character reaches the terminal.
std::string Printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

std::string Seconds(std::uint64_t milliseconds) {
  return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
}

void Print(const pxe::v1::Boot& boot) {
  const absl::Time started =
      absl::FromUnixSeconds(boot.stages().empty() ? 0 : boot.stages(0).time().seconds());
  std::cout << fmt::format("{}  {:<20} {}\n", boot.mac(), Printable(boot.hostname()),
                           absl::FormatTime("%Y-%m-%d %H:%M:%S", started, absl::LocalTimeZone()));
  for (int i = 0; i < boot.stages_size(); ++i) {
    const bool open = i + 1 == boot.stages_size() && boot.verdict().empty();
    const std::uint64_t took = i < boot.stage_milliseconds_size() ? boot.stage_milliseconds(i) : 0;
    std::cout << fmt::format("  {:<14}{:>10}  {}\n", Printable(boot.stages(i).step()),
                             open ? "…" : Seconds(took), Printable(boot.stages(i).detail()));
  }
  std::cout << fmt::format("  {}\n\n",
                           boot.verdict().empty()
                               ? "goes on"
                               : fmt::format("{}: {}", boot.complete() ? "complete" : "stopped",
                                             Printable(boot.verdict())));
}

}  // namespace

int Boots(const std::vector<std::string>& args) {
  CLI::App app{
      "What machines went through when they booted, with the time of each stage, and where one "
      "stopped"};
  app.name("octofleet-tentacle boots");
  std::string mac;
  bool all = false;
  app.add_option("MAC", mac, "Only this machine's");
  app.add_flag("--all", all, fmt::format("All that are kept, not only the newest {}", kShown));
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  if (!mac.empty()) {
    const auto parsed = wire::ParseMac(mac);
    if (!parsed.ok()) {
      std::cerr << fmt::format("boots: {}\n", std::string(parsed.status().message()));
      return kExitUsage;
    }
    mac = parsed->ToString();
  }
  const auto stub = pxe::v1::PxeService::NewStub(rpc::Dial(DefaultPaths().Socket("pxe")));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  pxe::v1::ListBootsResponse boots;
  if (const grpc::Status status = stub->ListBoots(&context, pxe::v1::ListBootsRequest(), &boots);
      !status.ok()) {
    std::cerr << fmt::format("boots: pxe does not answer ({})\n", status.error_message());
    return kExitUnavailable;
  }
  int shown = 0;
  for (const auto& boot : boots.boots()) {
    if (!mac.empty() && boot.mac() != mac) continue;
    if (!all && shown == kShown) break;
    Print(boot);
    ++shown;
  }
  if (shown == 0) std::cout << "no machine with a task has booted since the service started\n";
  return 0;
}

}  // namespace tentacle::cli
