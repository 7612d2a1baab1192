// A job as backend and tentacle speak of it (docs/protocol.md section 3.1). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/json/object.hpp>

namespace tentacle::backend_link {

enum class JobKind { kScript, kCommand, kPackage, kService };

// Lies in the job's folder while it runs, mode 0600 or 0700.
struct JobFile {
  std::string name;
  std::string content;
  bool executable = false;

  bool operator==(const JobFile&) const = default;
};

// 0: the agent's own default.
struct JobLimits {
  std::uint64_t memory_bytes = 0;
  std::uint32_t cpu_percent = 0;  // Of one processor; 200 are two.
  std::uint32_t processes = 0;

  bool operator==(const JobLimits&) const = default;
};

struct Job {
  std::string id;
  JobKind kind = JobKind::kScript;
  std::string interpreter = "/bin/sh";  // kScript.
  std::string script;                   // kScript.
  std::vector<std::string> arguments;   // kScript: of the script. kCommand: the whole argv.
  std::string action;                   // kPackage, kService.
  std::vector<std::string> names;       // kPackage: packages. kService: one unit.
  std::map<std::string, std::string> environment;
  std::string user;               // Empty: the agent's own.
  std::string working_directory;  // Empty: the job's folder.
  std::vector<JobFile> files;
  std::string input;  // Standard input.
  // Secrets, by name: files of mode 0600 while the job runs. They come beside the signed order,
  // which has the SHA-256 of the text that they came in (lower-case hex; empty: none).
  std::map<std::string, std::string> credentials;
  std::string credentials_sha256;
  absl::Duration timeout = absl::Minutes(5);
  JobLimits limits;
  std::uint32_t retries = 0;  // After a failure, not after a cancellation.
  absl::Duration retry_delay = absl::Seconds(10);
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();  // Not begun by then, it expires.

  bool operator==(const Job&) const = default;
};

// A frame holds 1 MiB; the order is text inside of it, where an octet may become four.
constexpr std::size_t kMaxScriptBytes = 512 * 1024;
constexpr std::size_t kMaxJobFilesBytes = 256 * 1024;
constexpr std::size_t kMaxJobFiles = 32;
constexpr std::size_t kMaxInputBytes = 64 * 1024;
constexpr std::size_t kMaxCredentials = 16;
constexpr std::size_t kMaxCredentialsBytes = 64 * 1024;  // Together.
// ARG_MAX of Linux is 2 MiB for both together; nobody's job needs a quarter of it.
constexpr std::size_t kMaxArguments = 256;
constexpr std::size_t kMaxArgumentBytes = 128 * 1024;
constexpr std::size_t kMaxVariables = 128;
constexpr std::size_t kMaxPackages = 200;
constexpr std::uint32_t kMaxRetries = 10;
// A job is not a service: who needs a day more writes a unit.
constexpr absl::Duration kMaxJobTimeout = absl::Hours(24);
// The id names a folder: below NAME_MAX (255).
constexpr std::size_t kMaxJobIdBytes = 128;

// Letters, digits, '.', '_', '-'; not beginning with a dot.
bool IsJobId(std::string_view id);
// What every Linux distribution takes as the name of a user.
bool IsUserName(std::string_view name);
// What apt and dnf name a package, with an architecture or version; never an option, a pattern or
// apt's "remove this" at the end of a name.
bool IsPackageName(std::string_view name);
// systemd.unit(5), with its type.
bool IsUnitName(std::string_view name);

// InvalidArgument names the field that is wrong. What is there beside the known fields is ignored.
absl::StatusOr<Job> ParseJob(const boost::json::object& job);
boost::json::object JobJson(const Job& job);

std::string_view KindName(JobKind kind);

}  // namespace tentacle::backend_link
