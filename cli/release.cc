#include "cli/release.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <absl/time/clock.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "cli/commands.h"
#include "libs/backend_link/release.h"
#include "libs/identity/signed_release.h"
#include "libs/runtime/build_info.h"
#include "libs/text/view.h"
#include "services/agent/core/update_plan.h"
#include "services/agent/limits.h"
#include "services/agent/release_folder.h"

namespace tentacle::cli {

namespace {

using agent::UniqueFd;
using identity::ReleaseText;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;
constexpr std::size_t kPieceBytes = 256 * 1024;

struct Options {
  std::string key_file, root_file, executable, image;
  std::string keys = "keys.json";
  std::string manifest = "manifest.json";
  std::string first = "/proc/self/exe";
  std::vector<std::string> signing_keys, roots;
  std::string id;
  std::string arch{runtime::Architecture()};
  std::uint64_t version = 0;
  int keys_days = 365;
  int manifest_days = 30;
  bool allow_downgrade = false;
};

int Say(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cerr << fmt::format("octofleet-tentacle release: {}\n", text::Message(status));
  return kExitFailed;
}

std::string ReadText(const std::string& path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

// The text and, beside it, `<path>.sig`.
absl::Status WriteSigned(const std::string& path,
                         const std::string& text,
                         const std::string& signature) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  std::ofstream(path + ".sig", std::ios::binary | std::ios::trunc) << signature;
  if (ReadText(path) == text && ReadText(path + ".sig") == signature) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("{}: could not be written", path));
}

struct File {
  UniqueFd fd;
  std::uint64_t size = 0;
  std::string sha256;
};

absl::StatusOr<File> OpenExecutable(const std::string& path) {
  File file;
  file.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));

  struct stat info {};

  if (file.fd.get() < 0 || ::fstat(file.fd.get(), &info) != 0) {
    return absl::ErrnoToStatus(errno, path);
  }
  file.size = static_cast<std::uint64_t>(info.st_size);
  auto sha256 = agent::Sha256OfFile(file.fd.get());
  if (!sha256.ok()) return sha256.status();
  file.sha256 = *std::move(sha256);
  return file;
}

absl::Status MakeKey(const Options& options) {
  const auto key = identity::IdentityKey::Generate();
  if (!key.ok()) return key.status();
  if (auto saved = key->Save(options.key_file); !saved.ok()) return saved;
  std::cout << key->PublicKeyBase64() << "\n";
  return absl::OkStatus();
}

absl::Status SignKeys(const Options& options) {
  const auto root = identity::IdentityKey::Load(options.root_file);
  if (!root.ok()) return root.status();
  const absl::Time now = absl::Now();
  const std::string text = backend_link::SigningKeysText(
      {std::string(backend_link::kReleaseProduct), options.signing_keys, now,
       now + absl::Hours(24 * options.keys_days)});
  // What a tentacle would refuse is not signed.
  if (auto read = backend_link::ParseSigningKeys(text); !read.ok()) return read.status();
  return WriteSigned(options.keys, text, SignRelease(*root, ReleaseText::kSigningKeys, text));
}

absl::Status SignManifest(const Options& options) {
  const auto key = identity::IdentityKey::Load(options.key_file);
  if (!key.ok()) return key.status();
  const auto file = OpenExecutable(options.executable);
  if (!file.ok()) return file.status();
  backend_link::ReleaseManifest manifest;
  manifest.product = backend_link::kReleaseProduct;
  manifest.release_id = options.id;
  manifest.version = options.version;
  manifest.arch = options.arch;
  manifest.size_bytes = file->size;
  manifest.sha256 = file->sha256;
  manifest.created = absl::Now();
  manifest.expires = manifest.created + absl::Hours(24 * options.manifest_days);
  manifest.allow_downgrade = options.allow_downgrade;
  const std::string text = ManifestText(manifest);
  if (auto read = backend_link::ParseManifest(text); !read.ok()) return read.status();
  return WriteSigned(options.manifest, text, SignRelease(*key, ReleaseText::kManifest, text));
}

backend_link::ReleaseOffer ReadOffer(const Options& options) {
  return {"update-0",
          options.image.empty() ? "0" : options.image,
          ReadText(options.keys),
          ReadText(options.keys + ".sig"),
          ReadText(options.manifest),
          ReadText(options.manifest + ".sig")};
}

// As a tentacle does that has nothing installed.
absl::Status Verify(const Options& options) {
  const auto verdict =
      agent::JudgeUpdate(ReadOffer(options), {options.roots, options.arch, 0}, absl::Now());
  if (!verdict.accepted()) return absl::PermissionDeniedError(verdict.reason);
  const auto file = OpenExecutable(options.executable);
  if (!file.ok()) return file.status();
  if (file->size != verdict.manifest.size_bytes || file->sha256 != verdict.manifest.sha256) {
    return absl::DataLossError(fmt::format("{}: not what the manifest says", options.executable));
  }
  std::cout << fmt::format("good: {} {}, version {}\n", verdict.manifest.product,
                           verdict.manifest.release_id, verdict.manifest.version);
  return absl::OkStatus();
}

// What POST /api/v1/tentacles/{id}/updates takes.
absl::Status PrintOrder(const Options& options) {
  auto body = backend_link::ReleaseOfferJson(ReadOffer(options));
  body.erase("id");
  std::cout << boost::json::serialize(body) << "\n";
  return absl::OkStatus();
}

absl::Status CopyInto(const std::string& executable,
                      const std::string& folder,
                      const std::string& path) {
  const auto file = OpenExecutable(executable);
  if (!file.ok()) return file.status();
  auto copy = agent::ArrivingExecutable::Create(folder, file->size, absl::Now());
  if (!copy.ok()) return copy.status();
  std::string piece(kPieceBytes, '\0');
  for (;;) {
    const ssize_t size = ::read(file->fd.get(), piece.data(), piece.size());
    if (size < 0) return absl::ErrnoToStatus(errno, executable);
    if (size == 0) break;
    const auto part = std::string_view(piece).substr(0, static_cast<std::size_t>(size));
    if (auto status = copy->Write(part, absl::Now()); !status.ok()) return status;
  }
  if (auto status = copy->Verify(file->sha256); !status.ok()) return status;
  return copy->InstallAs(path);
}

absl::Status InstallFirst(const Options& options) {
  const agent::ReleaseFolder folder(DefaultPaths().state_dir + "/releases");
  if (!folder.Link("committed").empty()) {
    return absl::AlreadyExistsError(fmt::format("{} holds a release already", folder.path()));
  }
  std::error_code error;
  std::filesystem::create_directories(folder.path(), error);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all, error);
  if (error) return absl::UnavailableError(fmt::format("{}: {}", folder.path(), error.message()));
  if (auto status = CopyInto(options.first, folder.SlotFolder("a"), folder.Executable("a"));
      !status.ok())
    return status;
  const auto record = folder.Change("a", [](agent::UpdateRecord&) { return true; });
  if (record.ok()) std::cout << fmt::format("{}/current/octofleet-tentacle\n", folder.path());
  return record.status();
}

}  // namespace

int Release(const std::vector<std::string>& args) {
  Options o;
  absl::Status (*run)(const Options&) = nullptr;
  CLI::App app{
      "Make, sign and check releases of the tentacle itself: docs/operations.md, \"Self-update\""};
  app.name("octofleet-tentacle release");
  app.require_subcommand(1);
  const auto verb = [&](const char* name, const char* about, absl::Status (*does)(const Options&)) {
    auto* command = app.add_subcommand(name, about);
    command->callback([&run, does] { run = does; });
    return command;
  };
  auto* keygen = verb("keygen", "Make a root or signing key; prints its public half", &MakeKey);
  keygen->add_option("file", o.key_file, "Where the private key goes")->required();

  auto* keys = verb("keys", "Sign the list of signing keys with a root key", &SignKeys);
  keys->add_option("--root", o.root_file, "The root key")->required();
  keys->add_option("--signing-key", o.signing_keys, "Public half of a signing key; more than once")
      ->required();
  keys->add_option("--days", o.keys_days, "How long the list is good")
      ->capture_default_str()
      ->check(CLI::Range(1, 3650));
  keys->add_option("--out", o.keys, "The list; its signature goes beside it")
      ->capture_default_str();

  auto* sign = verb("sign", "Write and sign the manifest of an executable", &SignManifest);
  sign->add_option("executable", o.executable)->required();
  sign->add_option("--key", o.key_file, "The signing key")->required();
  sign->add_option("--id", o.id, "What people call the release")->required();
  sign->add_option("--version", o.version, "Its number, greater than those before")->required();
  sign->add_option("--arch", o.arch)->capture_default_str();
  sign->add_option("--days", o.manifest_days, "How long the manifest is good")
      ->capture_default_str()
      ->check(CLI::Range(1, 30));
  sign->add_flag("--allow-downgrade", o.allow_downgrade,
                 "It may replace a release with a greater number");
  sign->add_option("--out", o.manifest, "The manifest; its signature goes beside it")
      ->capture_default_str();

  auto* verify = verb("verify", "Check all of it as a tentacle does", &Verify);
  verify->add_option("executable", o.executable)->required();
  verify->add_option("--root", o.roots, "Public half of a root key; more than once")->required();
  verify->add_option("--arch", o.arch)->capture_default_str();
  auto* order = verb("order", "Print what POST /api/v1/tentacles/{id}/updates takes", &PrintOrder);
  order->add_option("--image", o.image, "Id of the image that is the executable")->required();
  for (auto* command : {verify, order}) {
    command->add_option("--keys", o.keys, "The list of signing keys")->capture_default_str();
    command->add_option("--manifest", o.manifest, "The manifest")->capture_default_str();
  }

  auto* install =
      verb("install", "Put an executable where it can be updated from then on", &InstallFirst);
  install->add_option("executable", o.first)->capture_default_str();
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  return Say(run(o));
}

}  // namespace tentacle::cli
