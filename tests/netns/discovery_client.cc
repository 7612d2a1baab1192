// Asks a running discovery service over its socket, for shell tests. Prints one fact per line.
//
//   discovery_client SOCKET scan ID            target count, then "device MAC IP IFACE" for each of
//   the result discovery_client SOCKET list               the same for each device known
//   discovery_client SOCKET wake MAC ID [PASSWORD]   packets, then the event that was told of it
//   discovery_client SOCKET ports MAC          waits until open ports of it are reported, one with
//   a greeting, then "port NUMBER SERVICE BANNER" for each
//   discovery_client SOCKET config REV JSON    pushes a configuration as uplink does
//   discovery_client SOCKET event TYPE FIELD VALUE   the first such event, as JSON; waits for it
//
// A refusal is printed as "refused CODE MESSAGE" and the exit code is 1.

#include <tentacle/config/v1/config_service.grpc.pb.h>
#include <tentacle/discovery/v1/discovery_service.grpc.pb.h>
#include <tentacle/event/v1/event_service.grpc.pb.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <grpcpp/grpcpp.h>

namespace tentacle {
namespace {

namespace json = boost::json;

// Long enough for a sweep at a test's pace on a busy machine; nothing is measured by it.
constexpr auto kPatience = std::chrono::seconds(60);

int Refused(const grpc::Status& status) {
  std::cout << "refused " << status.error_code() << " " << status.error_message() << "\n";
  return 1;
}

// Waits for the socket of a service that is starting.
void Prepare(grpc::ClientContext& context) {
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
}

class Client {
 public:
  explicit Client(const std::string& socket)
      : channel_(grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials())),
        discovery_(discovery::v1::DiscoveryService::NewStub(channel_)),
        events_(event::v1::EventService::NewStub(channel_)),
        config_(config::v1::ConfigService::NewStub(channel_)) {}

  int Scan(const std::string& id) {
    grpc::ClientContext context;
    Prepare(context);
    discovery::v1::StartScanRequest request;
    request.set_scan_id(id);
    discovery::v1::StartScanResponse response;
    const grpc::Status status = discovery_->StartScan(&context, request, &response);
    if (!status.ok()) return Refused(status);
    std::cout << "targets " << response.targets() << "\n";
    const json::value result = WaitForEvent("discovery.result", "scanId", id);
    if (result.is_null()) return 1;
    std::cout << "asked " << result.at("targets").as_int64() << "\n";
    for (const json::value& device : result.at("devices").as_array()) {
      std::cout << "device " << device.at("mac").as_string().c_str() << " "
                << device.at("ip").as_string().c_str() << " "
                << device.at("interface").as_string().c_str() << "\n";
    }
    return 0;
  }

  int List() {
    grpc::ClientContext context;
    Prepare(context);
    discovery::v1::ListDevicesResponse response;
    const grpc::Status status = discovery_->ListDevices(&context, {}, &response);
    if (!status.ok()) return Refused(status);
    for (const auto& device : response.devices()) {
      std::cout << "device " << device.mac() << " " << device.ip() << " " << device.interface()
                << "\n";
    }
    return 0;
  }

  int Wake(const std::string& mac, const std::string& id, const std::string& password) {
    grpc::ClientContext context;
    Prepare(context);
    discovery::v1::WakeDeviceRequest request;
    request.set_mac(mac);
    request.set_command_id(id);
    request.set_password(password);
    discovery::v1::WakeDeviceResponse response;
    const grpc::Status status = discovery_->WakeDevice(&context, request, &response);
    if (!status.ok()) return Refused(status);
    std::cout << "packets " << response.packets_sent() << "\n";
    const json::value sent = WaitForEvent("wake.sent", "commandId", id);
    if (sent.is_null()) return 1;
    std::cout << "told " << sent.at("mac").as_string().c_str() << " "
              << sent.at("packets").as_int64() << "\n";
    return 0;
  }

  int Ports(const std::string& mac) {
    const auto greets = [](const json::value& port) { return port.as_object().contains("banner"); };
    const auto has_ports = [&mac, &greets](const json::value& device) {
      const auto* ports = device.as_object().if_contains("ports");
      return device.at("mac") == json::value(mac) && ports != nullptr &&
             std::any_of(ports->as_array().begin(), ports->as_array().end(), greets);
    };
    const json::value body = WaitForBody("device.changed", [&has_ports](const json::value& one) {
      const json::array& devices = one.at("devices").as_array();
      return std::any_of(devices.begin(), devices.end(), has_ports);
    });
    if (body.is_null()) return 1;
    const json::array& devices = body.at("devices").as_array();
    const auto device = std::find_if(devices.begin(), devices.end(), has_ports);
    for (const json::value& port : device->at("ports").as_array()) {
      const auto* banner = port.as_object().if_contains("banner");
      std::cout << "port " << port.at("port").as_int64() << " "
                << port.at("service").as_string().c_str();
      if (banner != nullptr) std::cout << " " << banner->as_string().c_str();
      std::cout << "\n";
    }
    return 0;
  }

  int Event(const std::string& type, const std::string& field, const std::string& value) {
    const json::value body = WaitForEvent(type, field.c_str(), value);
    if (body.is_null()) return 1;
    std::cout << json::serialize(body) << "\n";
    return 0;
  }

  int Config(std::uint64_t revision, const std::string& remote_json) {
    grpc::ClientContext context;
    Prepare(context);
    config::v1::ReplaceConfigRequest request;
    request.set_revision(revision);
    request.set_remote_json(remote_json);
    config::v1::ReplaceConfigResponse response;
    const grpc::Status status = config_->ReplaceConfig(&context, request, &response);
    if (!status.ok()) return Refused(status);
    std::cout << "revision " << response.applied_revision() << "\n";
    return 0;
  }

 private:
  // The body of the first event of `type` whose `field` is `value`; null when it does not come.
  json::value WaitForEvent(const std::string& type, const char* field, const std::string& value) {
    return WaitForBody(type, [&](const json::value& body) {
      const auto* found = body.as_object().if_contains(field);
      return found != nullptr && found->is_string() && found->as_string() == value;
    });
  }

  template <class Wanted>
  json::value WaitForBody(const std::string& type, Wanted wanted) {
    const auto until = std::chrono::system_clock::now() + kPatience;
    std::uint64_t after = 0;
    while (std::chrono::system_clock::now() < until) {
      grpc::ClientContext context;
      Prepare(context);
      event::v1::FetchEventsRequest request;
      request.set_after_sequence(after);
      request.set_max_events(256);
      request.mutable_wait()->set_seconds(10);
      event::v1::FetchEventsResponse response;
      const grpc::Status status = events_->FetchEvents(&context, request, &response);
      if (!status.ok()) {
        Refused(status);
        return nullptr;
      }
      for (const auto& event : response.events()) {
        after = event.sequence();
        if (event.type() != type) continue;
        json::value body = json::parse(event.body_json());
        if (wanted(body)) return body;
      }
    }
    std::cout << "no such event " << type << "\n";
    return nullptr;
  }

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<discovery::v1::DiscoveryService::Stub> discovery_;
  std::unique_ptr<event::v1::EventService::Stub> events_;
  std::unique_ptr<config::v1::ConfigService::Stub> config_;
};

int Main(const std::vector<std::string>& args) {
  if (args.size() >= 2) {
    Client client(args[0]);
    if (args[1] == "scan" && args.size() == 3) return client.Scan(args[2]);
    if (args[1] == "list" && args.size() == 2) return client.List();
    if (args[1] == "wake" && (args.size() == 4 || args.size() == 5))
      return client.Wake(args[2], args[3], args.size() == 5 ? args[4] : "");
    if (args[1] == "ports" && args.size() == 3) return client.Ports(args[2]);
    if (args[1] == "event" && args.size() == 5) return client.Event(args[2], args[3], args[4]);
    if (args[1] == "config" && args.size() == 4)
      return client.Config(std::stoull(args[2]), args[3]);
  }
  std::cerr
      << "usage: discovery_client SOCKET scan ID | list | wake MAC ID [PASSWORD] | ports MAC | "
         "config REV JSON | event TYPE FIELD VALUE\n";
  return 64;
}

}  // namespace
}  // namespace tentacle

int main(int argc, char** argv) {
  return tentacle::Main({argv + 1, argv + argc});
}
