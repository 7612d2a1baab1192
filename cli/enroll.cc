#include "cli/enroll.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/host_facts.h"
#include "libs/config/config.h"
#include "libs/config/secret_variable.h"
#include "libs/identity/identity.h"
#include "libs/net/certificate_pin.h"
#include "libs/net/http_client.h"
#include "libs/runtime/log.h"
#include "libs/store/durable_file.h"

namespace tentacle::cli {

namespace {

constexpr int kExitUnavailable = 69;
constexpr int kExitRefused = 77;
constexpr int kExitUsage = 64;
constexpr auto kRetryInterval = std::chrono::seconds(5);

// The backend's sentence in a refusal, or its status.
std::string Detail(const net::ClientReply& reply) {
  boost::system::error_code error;
  const auto value = boost::json::parse(reply.body, error);
  if (!error && value.is_object()) {
    const auto* detail = value.as_object().if_contains("detail");
    if (detail != nullptr && detail->is_string()) return std::string(detail->as_string());
  }
  return fmt::format("it answered {}", reply.status);
}

// The pins that the backend sent. A set that would lock us out later is left alone: the token is
// spent already, and without pins the CAs decide.
std::vector<std::string> PinsOf(const boost::json::object& answer) {
  std::vector<std::string> pins;
  const auto* sent = answer.if_contains("pins");
  if (sent == nullptr || !sent->is_array()) return pins;
  for (const auto& pin : sent->as_array()) {
    if (pin.is_string()) pins.emplace_back(pin.as_string());
  }
  if (!net::CheckPinSet(pins).ok()) pins.clear();
  return pins;
}

absl::StatusOr<boost::json::object> Post(const Enrollment& enrollment,
                                         const identity::IdentityKey& key) {
  boost::json::object body = HostFacts();
  body["token"] = enrollment.token;
  body["name"] = enrollment.name;
  body["publicKey"] = key.PublicKeyBase64();
  net::ClientRequest request;
  request.method = "POST";
  request.url = enrollment.backend_url + "/api/v1/tentacles/enroll";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = boost::json::serialize(body);
  request.tls = {enrollment.ca_file, enrollment.pins};
  const auto reply = net::Fetch(request);
  if (!reply.ok()) return reply.status();
  if (reply->status >= 500)
    return absl::UnavailableError(fmt::format("the backend failed: {}", Detail(*reply)));
  if (reply->status != 201) {
    return absl::UnauthenticatedError(
        fmt::format("the backend refused the enrollment: {}", Detail(*reply)));
  }
  boost::system::error_code error;
  auto value = boost::json::parse(reply->body, error);
  if (error || !value.is_object() || !value.as_object().contains("nodeId")) {
    return absl::InternalError("the backend's answer to the enrollment holds no nodeId");
  }
  return std::move(value.as_object());
}

std::string TextOf(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

absl::Status WriteConfig(const runtime::Paths& paths,
                         const Enrollment& enrollment,
                         const boost::json::object& answer) {
  const std::string before = ReadFile(paths.ConfigFile());
  config::TentacleConfig config;
  if (absl::Status status = config::MergeYaml(before, paths.ConfigFile(), &config); !status.ok())
    return status;
  config.mutable_backend()->set_url(enrollment.backend_url);
  if (!enrollment.ca_file.empty()) config.mutable_backend()->set_ca_file(enrollment.ca_file);
  config.mutable_backend()->clear_pins();
  for (const std::string& pin : enrollment.pins.empty() ? PinsOf(answer) : enrollment.pins) {
    config.mutable_backend()->add_pins(pin);
  }
  config.mutable_node()->set_id(TextOf(answer, "nodeId"));
  // What runs on this host from now on has to be signed with it.
  if (const std::string key = TextOf(answer, "commandKey"); !key.empty()) {
    config.mutable_agent()->set_command_key(key);
  }
  config.mutable_node()->set_name(enrollment.name);
  if (!before.empty()) {
    if (absl::Status status = WriteFile(paths.ConfigFile() + ".bak", before); !status.ok())
      return status;
  }
  return WriteFile(paths.ConfigFile(), config::ToYaml(config));
}

// The key of an enrollment that is under way. It is no identity yet: no service looks at it.
std::string PendingKeyFile(const runtime::Paths& paths) {
  return paths.KeyFile() + ".pending";
}

// Whatever would fail afterwards anyway: before the token is spent.
absl::Status CheckBefore(const runtime::Paths& paths, const Enrollment& enrollment) {
  if (const absl::Status pins = net::CheckPinSet(enrollment.pins); !pins.ok()) return pins;
  std::error_code error;
  std::filesystem::create_directories(paths.state_dir, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", paths.state_dir, error.message()));
  if (std::filesystem::exists(paths.KeyFile())) {
    return absl::AlreadyExistsError(
        fmt::format("{} is there already: this tentacle belongs to a backend", paths.KeyFile()));
  }
  config::TentacleConfig config;
  return config::MergeYaml(ReadFile(paths.ConfigFile()), paths.ConfigFile(), &config);
}

// That of an attempt which was interrupted, or a new one; on disk before anybody hears of it.
absl::StatusOr<identity::IdentityKey> PendingKey(const runtime::Paths& paths) {
  const std::string path = PendingKeyFile(paths);
  if (auto left = identity::IdentityKey::Load(path); left.ok()) return left;
  ::unlink(path.c_str());
  auto key = identity::IdentityKey::Generate();
  if (!key.ok()) return key;
  if (absl::Status status = key->Save(path); !status.ok()) return status;
  if (absl::Status status = store::SyncFolder(paths.state_dir); !status.ok()) return status;
  return key;
}

std::optional<std::string> Variable(const char* name) {
  return config::ProcessEnvironment()(name);
}

}  // namespace

absl::Status EnrollAt(const runtime::Paths& paths,
                      const Enrollment& enrollment,
                      std::string* node_id) {
  if (const absl::Status status = CheckBefore(paths, enrollment); !status.ok()) return status;
  const auto key = PendingKey(paths);
  if (!key.ok()) return key.status();
  const auto answer = Post(enrollment, *key);
  if (!answer.ok()) {
    // Refused is refused. Anything else may have reached the backend: with the same key it is the
    // same node.
    if (absl::IsUnauthenticated(answer.status())) ::unlink(PendingKeyFile(paths).c_str());
    return answer.status();
  }
  // config.yaml first: the key is what others take as the sign that the enrollment is complete.
  if (absl::Status status = WriteConfig(paths, enrollment, *answer); !status.ok()) return status;
  if (::rename(PendingKeyFile(paths).c_str(), paths.KeyFile().c_str()) != 0) {
    return absl::ErrnoToStatus(errno, paths.KeyFile());
  }
  if (absl::Status status = store::SyncFolder(paths.state_dir); !status.ok()) return status;
  *node_id = TextOf(*answer, "nodeId");
  return absl::OkStatus();
}

int EnrollFromEnvironment(const runtime::Paths& paths) {
  const auto backend = Variable("OCTOFLEET_BACKEND");
  // Also when it is not needed any more: no child shall inherit it.
  std::string token = config::TakeSecret("TENTACLE_TOKEN").value_or("");
  const bool exposed = !token.empty();
  if (const auto file = Variable("TENTACLE_TOKEN_FILE"); file && !exposed)
    token = config::FirstLineOf(*file);
  if (!backend || token.empty() || std::filesystem::exists(paths.KeyFile())) return 0;
  const runtime::Log log("enroll", runtime::LogLevel::kInfo);
  if (exposed) log.Warning("enroll.token_exposed", {{"better", "TENTACLE_TOKEN_FILE"}});
  const Enrollment enrollment{
      *backend, token, Variable("TENTACLE_NAME").value_or(Hostname()), {}, {}};
  for (;;) {
    std::string node_id;
    const absl::Status status = EnrollAt(paths, enrollment, &node_id);
    if (status.ok()) {
      log.Info("enroll.done", {{"node", node_id}, {"backend", enrollment.backend_url}});
      return 0;
    }
    log.Error("enroll.failed",
              {{"backend", enrollment.backend_url}, {"reason", std::string(status.message())}});
    if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) return kExitRefused;
    std::this_thread::sleep_for(kRetryInterval);
  }
}

int Enroll(const std::vector<std::string>& args) {
  runtime::Paths paths = DefaultPaths();
  Enrollment enrollment;
  enrollment.name = Hostname();
  CLI::App app{"Join a backend: makes the identity key here and exchanges the token for a node id"};
  app.name("octofleet-tentacle enroll");
  app.add_option("--backend", enrollment.backend_url, "URL of the backend")
      ->required()
      ->envname("OCTOFLEET_BACKEND");
  std::string token_file;
  auto* const token = app.add_option(
      "--token", enrollment.token,
      "Enrollment token; --token-file keeps it out of ps(1), TENTACLE_TOKEN as well");
  app.add_option("--token-file", token_file,
                 "File whose first line is the token; - is the standard input")
      ->envname("TENTACLE_TOKEN_FILE")
      ->excludes(token);
  app.add_option("--name", enrollment.name, "Name of this tentacle, \"Berlin Office\"")
      ->envname("TENTACLE_NAME");
  app.add_option(
      "--pin", enrollment.pins,
      "Accepted SHA-256 of the backend's public key, base64; give two, one of them a backup");
  app.add_option("--ca-file", enrollment.ca_file, "PEM file with private CAs");
  app.add_option("--state-dir", paths.state_dir, "Folder of state")->capture_default_str();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  const std::string from_environment = config::TakeSecret("TENTACLE_TOKEN").value_or("");
  if (enrollment.token.empty() && !token_file.empty())
    enrollment.token = config::FirstLineOf(token_file);
  if (enrollment.token.empty()) enrollment.token = from_environment;
  if (enrollment.token.empty()) {
    std::cerr << "enroll: no token: give --token-file, --token or TENTACLE_TOKEN\n";
    return kExitUsage;
  }
  while (enrollment.backend_url.ends_with('/'))
    enrollment.backend_url.pop_back();
  std::string node_id;
  const absl::Status status = EnrollAt(paths, enrollment, &node_id);
  if (!status.ok()) {
    std::cerr << fmt::format("enroll: {}\n", std::string(status.message()));
    if (absl::IsInvalidArgument(status)) return kExitUsage;
    return absl::IsUnavailable(status) ? kExitUnavailable : kExitRefused;
  }
  std::cout << fmt::format("enrolled as node {} (\"{}\") at {}\n", node_id, enrollment.name,
                           enrollment.backend_url);
  return 0;
}

}  // namespace tentacle::cli
