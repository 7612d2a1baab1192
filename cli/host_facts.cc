#include "cli/host_facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <map>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/json/array.hpp>

#include "libs/net/interfaces.h"
#include "libs/runtime/build_info.h"

namespace tentacle::cli {

namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// PRETTY_NAME of os-release(5), without its quotes.
std::string OperatingSystem() {
  std::ifstream file("/etc/os-release");
  constexpr std::string_view kKey = "PRETTY_NAME=";
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kKey)) continue;
    std::string value = line.substr(kKey.size());
    std::erase(value, '"');
    return value;
  }
  return "Linux";
}

boost::json::array Interfaces() {
  struct Facts {
    std::string mac;
    boost::json::array addresses;
  };

  std::map<std::string, Facts> by_name;
  const auto entries = net::ListInterfaceAddresses();
  if (!entries.ok()) return {};
  for (const auto& entry : *entries) {
    if (entry.loopback) continue;
    Facts& facts = by_name[entry.name];
    facts.mac = fmt::format("{:02x}", fmt::join(entry.mac, ":"));
    facts.addresses.emplace_back(fmt::format(
        "{}/{}", boost::asio::ip::address_v4(entry.address).to_string(), entry.prefix_length));
  }
  boost::json::array result;
  for (auto& [name, facts] : by_name) {
    result.push_back(
        {{"name", name}, {"mac", facts.mac}, {"addresses", std::move(facts.addresses)}});
  }
  return result;
}

}  // namespace

std::string Hostname() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "tentacle";
  return name.data();
}

boost::json::object HostFacts() {
  return {{"hostname", Hostname()},        {"machineId", FirstLine("/etc/machine-id")},
          {"os", OperatingSystem()},       {"arch", runtime::Architecture()},
          {"version", runtime::Version()}, {"network", {{"interfaces", Interfaces()}}}};
}

}  // namespace tentacle::cli
