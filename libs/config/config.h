// config.yaml, environment and the backend's words -> one TentacleConfig, or a sentence that says
// which line is wrong. Precedence: defaults, file, backend's remote config, environment, flags.
#pragma once

#include <tentacle/config/v1/config.pb.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace tentacle::config {

using v1::TentacleConfig;

// Every field set to the value that README and docs/configuration.md state.
TentacleConfig Defaults();

// The value of an environment variable, or nothing: getenv(3) in a process, a map in tests.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment ProcessEnvironment();

struct Layers {
  std::string yaml;                       // Content of config.yaml; empty: no file.
  std::string yaml_name = "config.yaml";  // For messages.
  std::string remote_json;                // What the backend set last; empty: nothing.
  Environment environment;
};

// All layers merged and validated. InvalidArgument: "config.yaml:7: unknown key \"pxe.htp_port\";
// did you mean
// \"http_port\"?"
absl::StatusOr<TentacleConfig> Load(const Layers& layers);

// One layer onto `config`.
absl::Status MergeYaml(std::string_view text, std::string_view name, TentacleConfig* config);
// Sections and fields a backend may not set (backend.*, node.*, *.admin_listen, pxe ports,
// agent.jobs_enabled) are refused by name.
absl::Status MergeRemote(std::string_view json, TentacleConfig* config);
absl::Status MergeEnvironment(const Environment& environment, TentacleConfig* config);

// Ranges and formats. The message names the field, its value and what is allowed.
absl::Status Validate(const TentacleConfig& config);

// "backend.url" -> "TENTACLE_BACKEND_URL".
std::string EnvironmentName(std::string_view section, std::string_view field);

// `config` as YAML, for `enroll` and `check-config`.
std::string ToYaml(const TentacleConfig& config);

}  // namespace tentacle::config
