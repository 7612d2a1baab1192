#include "cli/discovery_verbs.h"

#include <fmt/format.h>
#include <tentacle/discovery/v1/discovery_service.grpc.pb.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <optional>
#include <thread>

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <google/protobuf/util/json_util.h>

#include "cli/commands.h"
#include "cli/service_client.h"
#include "libs/text/csv.h"
#include "libs/text/dot.h"

namespace tentacle::cli {

namespace {

using discovery::v1::Device;
using discovery::v1::DiscoveryService;

constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
constexpr int kExitFailed = 1;
constexpr auto kPoll = std::chrono::milliseconds(50);

class Client : public ServiceClient<DiscoveryService> {
 public:
  Client() : ServiceClient("discovery") {}
};

using Face = DiscoveryService::StubInterface;

int Complain(const grpc::Status& status) {
  const bool away = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  std::cerr << (away ? "discovery does not answer: " : "") << status.error_message() << "\n";
  return away ? kExitUnavailable : kExitFailed;
}

// Nothing: go on; else the exit code.
std::optional<int> Parse(CLI::App& app, const std::vector<std::string>& args) {
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  return std::nullopt;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

double Seconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + static_cast<double>(duration.nanos()) / 1e9;
}

std::string PortList(const Device& device) {
  std::string list;
  for (const auto& port : device.ports())
    list += fmt::format("{}{}", list.empty() ? "" : " ", port.port());
  return list;
}

std::string StateOf(const Device& device) {
  return device.suspect() ? device.presence().state() + " (suspect)" : device.presence().state();
}

void PrintTable(const discovery::v1::ListDevicesResponse& list) {
  std::cout << fmt::format("{:<16}{:<19}{:<24}{:<12}{:<26}{:<22}{}\n", "ADDRESS", "MAC", "NAME",
                           "STATE", "VENDOR", "LAST SEEN", "PORTS");
  for (const Device& device : list.devices()) {
    std::cout << fmt::format("{:<16}{:<19}{:<24.23}{:<12}{:<26.25}{:<22}{}\n", device.ip(),
                             device.mac(), device.hostname(), StateOf(device), device.vendor(),
                             TimeText(device.last_seen()), PortList(device));
  }
}

void PrintCsv(const discovery::v1::ListDevicesResponse& list) {
  std::cout << text::CsvLine({"ip", "mac", "hostname", "vendor", "state", "vlan", "openPorts",
                              "system", "interface", "firstSeen", "lastSeen"});
  for (const Device& device : list.devices()) {
    const std::string vlan = device.vlan() == 0 ? "" : std::to_string(device.vlan());
    std::cout << text::CsvLine({device.ip(), device.mac(), device.hostname(), device.vendor(),
                                StateOf(device), vlan, PortList(device), device.system(),
                                device.interface(), TimeText(device.first_seen()),
                                TimeText(device.last_seen())});
  }
}

int PrintJson(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok())
    return kExitFailed;
  std::cout << text;
  return 0;
}

int List(const std::string& format) {
  discovery::v1::ListDevicesResponse list;
  const grpc::Status status =
      Client().Ask<discovery::v1::ListDevicesRequest>(&Face::ListDevices, {}, &list);
  if (!status.ok()) return Complain(status);
  if (format == "json") return PrintJson(list);
  format == "csv" ? PrintCsv(list) : PrintTable(list);
  return 0;
}

void PrintDot(const discovery::v1::GetTopologyResponse& topology) {
  std::cout << "graph segment {\n  node [shape=box];\n";
  for (const auto& node : topology.nodes()) {
    std::cout << fmt::format("  {} [label={}, tooltip={}, class={}];\n", text::DotString(node.id()),
                             text::DotString(node.label()), text::DotString(node.detail()),
                             text::DotString(node.kind()));
  }
  for (const auto& edge : topology.edges()) {
    const std::string evidence = fmt::format("{} {}", edge.evidence(), TimeText(edge.seen()));
    std::cout << fmt::format("  {} -- {} [label={}, tooltip={}];\n", text::DotString(edge.from()),
                             text::DotString(edge.to()), text::DotString(edge.label()),
                             text::DotString(evidence));
  }
  std::cout << "}\n";
}

}  // namespace

int Scan(const std::vector<std::string>& args) {
  CLI::App app{"Ask every address of the segment who is there"};
  app.name("octofleet-tentacle scan");
  std::uint32_t rate = 0;
  std::string format = "table";
  bool no_wait = false;
  app.add_option("--rate", rate, "Questions a second; 0: as configured")
      ->check(CLI::Range(0, 10'000));
  app.add_option("--format", format, "How the devices are printed")
      ->check(CLI::IsMember({"table", "csv", "json", "none"}));
  app.add_flag("--no-wait", no_wait, "Do not wait for the end");
  if (const auto code = Parse(app, args)) return *code;

  Client client;
  discovery::v1::StartScanRequest request;
  request.set_probes_per_second(rate);
  discovery::v1::StartScanResponse started;
  grpc::Status status = client.Ask(&Face::StartScan, request, &started);
  if (!status.ok()) return Complain(status);
  if (no_wait) {
    std::cout << fmt::format("{} started, {} addresses\n", started.scan_id(), started.targets());
    return 0;
  }
  discovery::v1::GetScanResponse scan;
  do {
    std::this_thread::sleep_for(kPoll);
    status = client.Ask<discovery::v1::GetScanRequest>(&Face::GetScan, {}, &scan);
    if (!status.ok()) return Complain(status);
  } while (scan.running());
  std::cerr << fmt::format("{} addresses asked, {} devices heard in {:.2f} s\n",
                           scan.last_targets(), scan.last_devices(), Seconds(scan.last_took()));
  return format == "none" ? 0 : List(format);
}

int Devices(const std::vector<std::string>& args) {
  CLI::App app{"Who is on the segment"};
  app.name("octofleet-tentacle devices");
  std::string format = "table";
  app.add_option("--format", format, "How they are printed")
      ->check(CLI::IsMember({"table", "csv", "json"}));
  if (const auto code = Parse(app, args)) return *code;
  return List(format);
}

int Wake(const std::vector<std::string>& args) {
  CLI::App app{"Wake a machine of the segment and say whether it woke"};
  app.name("octofleet-tentacle wake");
  discovery::v1::WakeDeviceRequest request;
  std::string mac;
  std::string password;
  int wait_s = 180;
  app.add_option("mac", mac, "The machine's MAC address")->required();
  app.add_option("--password-file", password,
                 "File with the SecureOn password: six octets like a MAC, or four like an address");
  app.add_option("--wait", wait_s, "Seconds to wait for a sign of life; 0: none")
      ->check(CLI::Range(0, 600));
  if (const auto code = Parse(app, args)) return *code;
  request.set_mac(mac);
  if (!password.empty()) {
    std::ifstream file(password);
    std::string text;
    if (!(file >> text)) {
      std::cerr << fmt::format("{} cannot be read\n", password);
      return kExitFailed;
    }
    request.set_password(text);
  }

  Client client;
  discovery::v1::WakeDeviceResponse sent;
  grpc::Status status = client.Ask(&Face::WakeDevice, request, &sent);
  if (!status.ok()) return Complain(status);
  // At once: what follows takes minutes, also where a script reads it.
  std::cout << fmt::format("{} packets sent\n", sent.packets_sent()) << std::flush;
  discovery::v1::GetWakeRequest about;
  about.set_mac(mac);
  discovery::v1::GetWakeResponse wake;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(wait_s);
  while (std::chrono::steady_clock::now() < until) {
    status = client.Ask(&Face::GetWake, about, &wake);
    if (!status.ok()) return Complain(status);
    if (wake.state() != "waiting") break;
    std::this_thread::sleep_for(kPoll);
  }
  if (wait_s == 0) return 0;
  std::cout << fmt::format(
      "{}{}\n", wake.state(),
      wake.state() == "woke"
          ? fmt::format(" after {:.1f} s, told by {}", Seconds(wake.after()), wake.evidence())
          : "");
  return wake.state() == "woke" || wake.state() == "was-awake" ? 0 : kExitFailed;
}

int PrintTopology(const std::vector<std::string>& args) {
  CLI::App app{"The segment as a graph"};
  app.name("octofleet-tentacle topology");
  std::string format = "dot";
  app.add_option("--format", format, "dot (for Graphviz) or json")
      ->check(CLI::IsMember({"dot", "json"}));
  if (const auto code = Parse(app, args)) return *code;
  discovery::v1::GetTopologyResponse topology;
  const grpc::Status status =
      Client().Ask<discovery::v1::GetTopologyRequest>(&Face::GetTopology, {}, &topology);
  if (!status.ok()) return Complain(status);
  if (format == "json") return PrintJson(topology);
  PrintDot(topology);
  return 0;
}

}  // namespace tentacle::cli
