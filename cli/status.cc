#include "cli/status.h"

#include <fmt/format.h>
#include <tentacle/cache/v1/cache_service.grpc.pb.h>
#include <tentacle/discovery/v1/discovery_service.grpc.pb.h>
#include <tentacle/pxe/v1/pxe_service.grpc.pb.h>
#include <tentacle/uplink/v1/uplink_service.grpc.pb.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <map>

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include "cli/commands.h"
#include "libs/rpc/call.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr auto kTimeout = std::chrono::seconds(3);

std::string Ago(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "never";
  const absl::Duration since = absl::Now() - absl::FromUnixSeconds(time.seconds());
  return fmt::format("{} ago", absl::FormatDuration(absl::Trunc(since, absl::Seconds(1))));
}

std::string Lower(std::string text, std::string_view prefix) {
  text.erase(0, prefix.size());
  for (char& c : text)
    c = c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// One blocking call with a deadline; false prints the reason in the service's place.
template <class Service, class Request, class Response>
bool Ask(const std::string& socket,
         grpc::Status (Service::StubInterface::*method)(grpc::ClientContext*,
                                                        const Request&,
                                                        Response*),
         Response* response,
         std::string* reason) {
  const auto stub = Service::NewStub(rpc::Dial(socket));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  typename Service::StubInterface* face = stub.get();
  const grpc::Status status = (face->*method)(&context, Request(), response);
  if (!status.ok()) *reason = status.error_message();
  return status.ok();
}

// What a mode does not use is up all the same, and idle.
std::string ModeLine(const std::string& mode) {
  if (mode == "relay") return "relay: images come straight from the backend, nothing is kept";
  if (mode == "passive") return "passive: no network boot, pxe and cache are idle";
  return mode;
}

bool PrintLink(const runtime::Paths& paths) {
  uplink::v1::GetLinkStatusResponse link;
  std::string reason;
  if (!Ask<uplink::v1::UplinkService, uplink::v1::GetLinkStatusRequest>(
          paths.Socket("uplink"), &uplink::v1::UplinkService::StubInterface::GetLinkStatus, &link,
          &reason)) {
    std::cout << fmt::format("Link       unknown: uplink does not answer ({})\n", reason);
    return false;
  }
  std::cout << fmt::format("Link       {} since {}{}{}\n",
                           Lower(uplink::v1::LinkState_Name(link.state()), "LINK_STATE_"),
                           Ago(link.since()), link.reason().empty() ? "" : ": ", link.reason());
  std::cout << fmt::format("Backend    {}   node {}\n", link.backend_url(), link.node_id());
  if (!link.last_error().empty()) {
    std::cout << fmt::format("Last error {}: {}\n", Ago(link.last_error_at()), link.last_error());
  }
  std::cout << fmt::format("Mode       {}\n", ModeLine(link.mode()));
  std::cout << fmt::format("Desired    config revision {}, task revision {}, {} tasks\n\n",
                           link.config_revision(), link.task_revision(), link.task_count());
  std::cout << fmt::format("{:<11}{:<7}{:>9}{:>11}{:>9}{:>9}  {}\n", "Service", "state", "results",
                           "inventory", "metrics", "thinned", "");
  for (const auto& peer : link.peers()) {
    std::uint64_t thinned = 0;
    std::map<std::string, std::uint64_t> waiting;
    for (const auto& lane : peer.lanes()) {
      thinned += lane.thinned_events();
      waiting[lane.name()] = lane.waiting_events();
    }
    std::cout << fmt::format("{:<11}{:<7}{:>9}{:>11}{:>9}{:>9}  {}\n", peer.service(),
                             peer.reachable() ? "up" : "down", waiting["result"],
                             waiting["inventory"], waiting["metric"], thinned, peer.reason());
  }
  return true;
}

bool PrintTasks(const runtime::Paths& paths) {
  pxe::v1::ListBootTasksResponse tasks;
  std::string reason;
  if (!Ask<pxe::v1::PxeService, pxe::v1::ListBootTasksRequest>(
          paths.Socket("pxe"), &pxe::v1::PxeService::StubInterface::ListBootTasks, &tasks,
          &reason)) {
    std::cout << fmt::format("\nTasks      unknown: pxe does not answer ({})\n", reason);
    return false;
  }
  std::cout << fmt::format("\nTasks      {}\n", tasks.tasks_size());
  for (const auto& tracked : tasks.tasks()) {
    std::cout << fmt::format(
        "  {}  {:<20} {:<11}{:>3} %  {}  {}{}\n", tracked.task().mac(), tracked.task().hostname(),
        Lower(task::v1::TaskStatus_Name(tracked.progress().status()), "TASK_STATUS_"),
        tracked.progress().percent(), tracked.progress().stage(),
        tracked.task().relay() == task::v1::RELAY_ROLE_STANDBY ? "(standby) " : "",
        tracked.progress().message());
  }
  return true;
}

bool PrintImages(const runtime::Paths& paths) {
  cache::v1::ListImagesResponse images;
  std::string reason;
  if (!Ask<cache::v1::CacheService, cache::v1::ListImagesRequest>(
          paths.Socket("cache"), &cache::v1::CacheService::StubInterface::ListImages, &images,
          &reason)) {
    std::cout << fmt::format("Images     unknown: cache does not answer ({})\n", reason);
    return false;
  }
  std::cout << fmt::format("Images     {}, {} of {} MiB\n", images.images_size(),
                           images.used_bytes() >> 20, images.max_bytes() >> 20);
  for (const auto& image : images.images()) {
    std::cout << fmt::format("  {:<20} {:<10} {:>6} of {:>6} MiB  {}\n",
                             image.name().empty() ? image.id() : image.name(),
                             Lower(cache::v1::ImageState_Name(image.state()), "IMAGE_STATE_"),
                             image.present_bytes() >> 20, image.size_bytes() >> 20, image.reason());
  }
  return true;
}

bool PrintDevices(const runtime::Paths& paths) {
  discovery::v1::ListDevicesResponse devices;
  std::string reason;
  if (!Ask<discovery::v1::DiscoveryService, discovery::v1::ListDevicesRequest>(
          paths.Socket("discovery"), &discovery::v1::DiscoveryService::StubInterface::ListDevices,
          &devices, &reason)) {
    std::cout << fmt::format("Devices    unknown: discovery does not answer ({})\n", reason);
    return false;
  }
  std::cout << fmt::format("Devices    {}, last scan {}\n", devices.devices_size(),
                           Ago(devices.last_scan()));
  return true;
}

}  // namespace

int Status(const std::vector<std::string>& args) {
  CLI::App app{"The link, the services, tasks and images on one screen"};
  app.name("octofleet-tentacle status");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  const runtime::Paths paths = DefaultPaths();
  bool all = PrintLink(paths);
  all = PrintTasks(paths) && all;
  all = PrintImages(paths) && all;
  all = PrintDevices(paths) && all;
  return all ? 0 : kExitUnavailable;
}

}  // namespace tentacle::cli
