// The other end of the wire: wiring.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/status/status.h>

namespace tentacle::backend {

struct Options {
  std::string listen = "0.0.0.0:8080";
  std::string database;  // libpq URL
  std::string image_dir;
  std::string web_dir;
  // What links to images begin with; empty: the URL the tentacle knows.
  std::string image_base_url;
  std::string api_key;
  std::vector<std::string> origins;  // Of pages on other hosts that may open shells, "https://…".
  std::string command_key_file;      // Ed25519; made when it is not there.
  // Addresses of reverse proxies in front of it.
  std::vector<std::string> trusted_proxies;
  bool shell_approval = false;  // A second person has to allow each remote shell.
};

// Serves until SIGTERM or SIGINT. `on_ready` is told the port once it listens (tests).
absl::Status Serve(const Options& options, std::function<void(std::uint16_t port)> on_ready = {});

}  // namespace tentacle::backend
