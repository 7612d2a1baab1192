#include "services/pxe/core/linux_answers.h"

#include <crypt.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "libs/identity/identity.h"
#include "services/pxe/core/escape.h"
#include "services/pxe/octofleet_install.inc"

namespace tentacle::pxe {

namespace {

namespace json = boost::json;
using task::v1::BootTask;

constexpr std::string_view kScheme = "http://";
constexpr char kHelperPath[] = "/tmp/octofleet-install";

struct Callback {
  std::string host;
  std::string port;
  std::string path;
};

// Of "http://10.0.0.2:9080/api/…".
Callback SplitCallback(std::string_view url) {
  if (url.starts_with(kScheme)) url.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  const std::string_view authority = url.substr(0, slash);
  const std::size_t colon = std::min(authority.rfind(':'), authority.size());
  Callback out{std::string(authority.substr(0, colon)), "80", std::string(url.substr(slash))};
  if (colon < authority.size()) out.port = std::string(authority.substr(colon + 1));
  return out;
}

std::string FirstLabel(const std::string& hostname) {
  return hostname.substr(0, hostname.find('.'));
}

// A shell command that writes the helper without fetching it.
std::string WriteHelper(const BootTask& task, const AnswerContext& context) {
  return fmt::format("echo {} | base64 -d >{}",
                     identity::Base64Encode(InstallHelper(task, context)), kHelperPath);
}

class PreseedLines {
 public:
  void Add(std::string_view question, std::string_view type, std::string_view value) {
    text_ += fmt::format("d-i {} {} {}\n", question, type, OneLineOf(value));
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

void AddMirror(const std::string& mirror, PreseedLines* out) {
  if (!mirror.starts_with(kScheme)) return;
  const std::string_view rest = std::string_view(mirror).substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  out->Add("mirror/country", "string", "manual");
  out->Add("mirror/http/hostname", "string", rest.substr(0, slash));
  out->Add("mirror/http/directory", "string", slash < rest.size() ? rest.substr(slash) : "/debian");
  out->Add("mirror/http/proxy", "string", "");
}

json::object Netplan(const BootTask& task) {
  const auto& network = task.network();
  json::object card{{"match", {{"macaddress", task.mac()}}}};
  if (network.dhcp() || network.address().empty()) {
    card["dhcp4"] = true;
  } else {
    card["addresses"] =
        json::array{fmt::format("{}/{}", network.address(), network.prefix_length())};
    if (!network.gateway().empty()) {
      card["routes"] = json::array{json::object{{"to", "default"}, {"via", network.gateway()}}};
    }
    json::array servers;
    for (const std::string& server : network.dns_servers())
      servers.emplace_back(server);
    if (!servers.empty()) card["nameservers"] = json::object{{"addresses", servers}};
  }
  return {{"version", 2}, {"ethernets", {{"installed", card}}}};
}

// Each command for a shell of its own, as a list of words, so that nothing is split.
json::array Commands(const std::vector<std::string>& commands) {
  json::array out;
  for (const std::string& command : commands) {
    json::array words;
    words.emplace_back("sh");
    words.emplace_back("-c");
    words.emplace_back(command);
    out.emplace_back(std::move(words));
  }
  return out;
}

// Quoted for pykickstart, which splits its lines as a POSIX shell does.
std::string Word(std::string_view value) {
  return ShellQuote(OneLineOf(value));
}

std::string KickstartNetwork(const BootTask& task) {
  const auto& network = task.network();
  std::string line = fmt::format("network --device={} --activate --hostname={}", Word(task.mac()),
                                 Word(task.hostname()));
  if (network.dhcp() || network.address().empty()) return line + " --bootproto=dhcp\n";
  const std::uint32_t prefix = network.prefix_length();
  const std::uint32_t mask = prefix == 0 ? 0 : ~0u << (32 - prefix);
  line += fmt::format(" --bootproto=static --ip={} --netmask={}.{}.{}.{}", Word(network.address()),
                      mask >> 24, mask >> 16 & 255, mask >> 8 & 255, mask & 255);
  if (!network.gateway().empty()) line += " --gateway=" + Word(network.gateway());
  if (network.dns_servers_size() > 0) {
    line += fmt::format(" --nameserver={}",
                        Word(fmt::format("{}", fmt::join(network.dns_servers(), ","))));
  }
  return line + "\n";
}

std::string KickstartSource(const BootTask& task, const AnswerContext& context) {
  if (!context.image.url.empty()) {
    return fmt::format("liveimg --url={} --checksum={}\n", Word(context.image.url),
                       Word(context.image.sha256));
  }
  return fmt::format("url --url={}\n", Word(task.mirror()));
}

}  // namespace

std::string PasswordHash(const std::string& password, const std::string& salt) {
  if (password.empty()) return "!";
  const auto data = std::make_unique<crypt_data>();
  std::memset(data.get(), 0, sizeof(crypt_data));
  const char* hash =
      ::crypt_r(password.c_str(), ("$6$" + OnlyWords(salt, "").substr(0, 16)).c_str(), data.get());
  // A failure is a string that begins with "*", which is no password either.
  return hash == nullptr || hash[0] != '$' ? "!" : hash;
}

std::string InstallHelper(const BootTask& task, const AnswerContext& context) {
  const Callback callback = SplitCallback(context.callback_url);
  std::string keys;
  for (const std::string& key : task.ssh_keys())
    keys += OneLineOf(key) + "\n";
  if (!keys.empty()) keys.pop_back();
  std::string out = "#!/bin/sh\n";
  const auto set = [&out](std::string_view name, std::string_view value) {
    out += fmt::format("{}={}\n", name, ShellQuote(value));
  };
  set("callback_host", callback.host);
  set("callback_port", callback.port);
  set("callback_path", callback.path);
  set("callback_token", context.callback_token);
  set("disk_path", task.disk().path());
  std::string serial = task.disk().serial();
  std::erase(serial, ' ');
  set("disk_serial", serial);
  set("disk_min_size", std::to_string(task.disk().min_size_bytes()));
  set("ssh_keys", keys);
  set("post_script", task.post_install().script());
  return out + kOctofleetInstall;
}

std::string Preseed(const BootTask& task, const AnswerContext& context) {
  PreseedLines out;
  const std::string helper(kHelperPath);
  out.Add("preseed/early_command", "string",
          fmt::format("wget -q -O {0} {1}/octofleet-install && sh {0} booted", helper,
                      BootWord(context.answers_url)));
  out.Add("debian-installer/locale", "string", LocaleOf(task.locale()));
  out.Add("keyboard-configuration/xkb-keymap", "select", "us");
  out.Add("netcfg/get_hostname", "string", FirstLabel(task.hostname()));
  AddMirror(task.mirror(), &out);
  out.Add("clock-setup/utc", "boolean", "true");
  out.Add("time/zone", "string", TimezoneOf(task.timezone()));
  out.Add("passwd/make-user", "boolean", "false");
  out.Add("passwd/root-login", "boolean", "true");
  out.Add("passwd/root-password-crypted", "password",
          PasswordHash(task.admin_password(), context.salt));
  // The disk is chosen by the helper, so that the wrong one is never written; without one the
  // machine stops here.
  out.Add("partman/early_command", "string",
          fmt::format("sh {0} disk >/tmp/octofleet-disk || sh {0} stop; "
                      "debconf-set partman-auto/disk \"$(cat /tmp/octofleet-disk)\"; "
                      "debconf-set grub-installer/bootdev \"$(cat /tmp/octofleet-disk)\"",
                      helper));
  out.Add("partman-auto/method", "string", "regular");
  out.Add("partman-auto/choose_recipe", "select", "atomic");
  for (const char* question : {"partman-partitioning/confirm_write_new_label", "partman/confirm",
                               "partman/confirm_nooverwrite", "partman-efi/non_efi_system"}) {
    out.Add(question, "boolean", "true");
  }
  out.Add("partman/choose_partition", "select", "finish");
  out.Add("apt-setup/cdrom/set-first", "boolean", "false");
  out.Add("pkgsel/include", "string", "openssh-server");
  out.Add("pkgsel/upgrade", "select", "none");
  out.Add("grub-installer/only_debian", "boolean", "true");
  out.Add("grub-installer/with_other_os", "boolean", "false");
  out.Add("finish-install/reboot_in_progress", "note", "");
  out.Add("preseed/late_command", "string",
          fmt::format(
              "sh {0} target /target || sh {0} failed 'the last steps of the installation failed'",
              helper));
  return "#_preseed_V1\n" + out.Take() +
         "tasksel tasksel/first multiselect standard, ssh-server\n"
         "popularity-contest popularity-contest/participate boolean false\n";
}

std::string UserData(const BootTask& task, const AnswerContext& context) {
  json::array keys;
  for (const std::string& key : task.ssh_keys())
    keys.emplace_back(OneLineOf(key));
  const std::string helper(kHelperPath);
  json::object disk_match;
  if (!task.disk().serial().empty()) disk_match["serial"] = task.disk().serial();
  if (!task.disk().path().empty()) disk_match["path"] = task.disk().path();
  json::object layout{{"name", "direct"}};
  if (!disk_match.empty()) layout["match"] = disk_match;
  json::object install{
      {"version", 1},
      {"locale", LocaleOf(task.locale())},
      {"keyboard", {{"layout", "us"}}},
      {"timezone", TimezoneOf(task.timezone())},
      {"identity",
       {{"hostname", FirstLabel(task.hostname())},
        {"username", "ubuntu"},
        {"password", PasswordHash(task.admin_password(), context.salt)}}},
      {"ssh", {{"install-server", true}, {"allow-pw", keys.empty()}, {"authorized-keys", keys}}},
      {"network", Netplan(task)},
      {"storage", {{"layout", layout}}},
      {"early-commands", Commands({WriteHelper(task, context), fmt::format("sh {} booted", helper),
                                   fmt::format("sh {0} disk || sh {0} stop", helper)})},
      {"late-commands", Commands({fmt::format("sh {} target /target", helper)})},
      {"error-commands", Commands({fmt::format("sh {} failed 'the installer failed'", helper)})},
      {"shutdown", "reboot"}};
  return "#cloud-config\n" + json::serialize(json::object{{"autoinstall", install}}) + "\n";
}

std::string MetaData(const BootTask& task, const AnswerContext&) {
  return json::serialize(json::object{{"instance-id", task.id()},
                                      {"local-hostname", FirstLabel(task.hostname())}}) +
         "\n";
}

std::string VendorData(const BootTask&, const AnswerContext&) {
  return "#cloud-config\n{}\n";
}

std::string Kickstart(const BootTask& task, const AnswerContext& context) {
  const std::string helper(kHelperPath);
  std::string out = "text\nreboot\nfirstboot --disabled\neula --agreed\nkeyboard us\n";
  out += fmt::format("lang {}\ntimezone {} --utc\n", Word(LocaleOf(task.locale())),
                     Word(TimezoneOf(task.timezone())));
  out += KickstartNetwork(task) + KickstartSource(task, context);
  const std::string hash = PasswordHash(task.admin_password(), context.salt);
  out += hash == "!" ? "rootpw --lock\n" : fmt::format("rootpw --iscrypted {}\n", Word(hash));
  for (const std::string& key : task.ssh_keys())
    out += fmt::format("sshkey --username=root {}\n", Word(key));
  // Written by %pre, which stops the machine when no disk is the one that is meant.
  out += "%include /tmp/octofleet-disk.ks\n";
  out += "%pre --erroronfail\n" + WriteHelper(task, context) +
         fmt::format(
             "\nsh {0} booted\n"
             "disk=$(sh {0} disk) || sh {0} stop\n"
             "disk=${{disk#/dev/}}\n"
             "printf 'ignoredisk --only-use=%s\\nzerombr\\nclearpart --all --initlabel "
             "--drives=%s\\nautopart\\n"
             "bootloader --boot-drive=%s\\n' \"$disk\" \"$disk\" \"$disk\" "
             ">/tmp/octofleet-disk.ks\n%end\n",
             helper);
  out += fmt::format("%onerror\nsh {} failed 'the installer failed'\n%end\n", helper);
  out += fmt::format("%post --nochroot --erroronfail\nsh {} target /mnt/sysroot\n%end\n", helper);
  return out + "%packages --ignoremissing\n@core\nopenssh-server\n%end\n";
}

}  // namespace tentacle::pxe
