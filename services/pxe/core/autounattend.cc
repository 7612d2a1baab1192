#include "services/pxe/core/autounattend.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <sstream>

#include "libs/identity/identity.h"
#include "services/pxe/core/escape.h"
#include "services/pxe/core/utf16.h"

namespace tentacle::pxe {

namespace {

using pugi::xml_node;
using task::v1::BootTask;

constexpr std::size_t kMaxComputerName = 15;  // NetBIOS.

struct Zone {
  std::string_view iana;
  std::string_view windows;
};

// The zones of CLDR's table that branches lie in.
constexpr std::array<Zone, 34> kZones = {{
    {"Africa/Cairo", "Egypt Standard Time"},
    {"Africa/Johannesburg", "South Africa Standard Time"},
    {"America/Argentina/Buenos_Aires", "Argentina Standard Time"},
    {"America/Chicago", "Central Standard Time"},
    {"America/Denver", "Mountain Standard Time"},
    {"America/Los_Angeles", "Pacific Standard Time"},
    {"America/Mexico_City", "Central Standard Time (Mexico)"},
    {"America/New_York", "Eastern Standard Time"},
    {"America/Sao_Paulo", "E. South America Standard Time"},
    {"America/Toronto", "Eastern Standard Time"},
    {"Asia/Dubai", "Arabian Standard Time"},
    {"Asia/Hong_Kong", "China Standard Time"},
    {"Asia/Kolkata", "India Standard Time"},
    {"Asia/Seoul", "Korea Standard Time"},
    {"Asia/Shanghai", "China Standard Time"},
    {"Asia/Singapore", "Singapore Standard Time"},
    {"Asia/Tokyo", "Tokyo Standard Time"},
    {"Australia/Sydney", "AUS Eastern Standard Time"},
    {"Europe/Amsterdam", "W. Europe Standard Time"},
    {"Europe/Athens", "GTB Standard Time"},
    {"Europe/Berlin", "W. Europe Standard Time"},
    {"Europe/Brussels", "Romance Standard Time"},
    {"Europe/Copenhagen", "Romance Standard Time"},
    {"Europe/Helsinki", "FLE Standard Time"},
    {"Europe/Istanbul", "Turkey Standard Time"},
    {"Europe/London", "GMT Standard Time"},
    {"Europe/Madrid", "Romance Standard Time"},
    {"Europe/Paris", "Romance Standard Time"},
    {"Europe/Prague", "Central Europe Standard Time"},
    {"Europe/Rome", "W. Europe Standard Time"},
    {"Europe/Vienna", "W. Europe Standard Time"},
    {"Europe/Warsaw", "Central European Standard Time"},
    {"Europe/Zurich", "W. Europe Standard Time"},
    {"Pacific/Auckland", "New Zealand Standard Time"},
}};

// XML 1.0 section 2.2 has no place for most control characters, not even escaped.
xml_node Add(xml_node parent, const char* name, std::string_view text) {
  xml_node node = parent.append_child(name);
  node.text().set(OneLineOf(text).c_str());
  return node;
}

xml_node Item(xml_node parent, const char* name) {
  xml_node node = parent.append_child(name);
  node.append_attribute("wcm:action") = "add";
  return node;
}

xml_node Component(xml_node settings, const char* name) {
  xml_node component = settings.append_child("component");
  component.append_attribute("name") = name;
  component.append_attribute("processorArchitecture") = "amd64";
  component.append_attribute("publicKeyToken") = "31bf3856ad364e35";
  component.append_attribute("language") = "neutral";
  component.append_attribute("versionScope") = "nonSxS";
  return component;
}

xml_node Pass(xml_node root, const char* name) {
  xml_node settings = root.append_child("settings");
  settings.append_attribute("pass") = name;
  return settings;
}

// What Windows calls "not plain text": base64 of UTF-16 with the element's name behind it. It keeps
// a password from a glance, not from a reader.
void AddPassword(xml_node parent, const char* element, std::string_view password) {
  xml_node node = parent.append_child(element);
  Add(node, "Value", identity::Base64Encode(Utf16Le(std::string(password) + element)));
  Add(node, "PlainText", "false");
}

void AddLanguages(xml_node component, const std::string& locale) {
  for (const char* name : {"InputLocale", "SystemLocale", "UILanguage", "UserLocale"})
    Add(component, name, locale);
}

void WindowsPe(xml_node root, const BootTask& task, const AnswerContext& context) {
  const xml_node pass = Pass(root, "windowsPE");
  xml_node international = Component(pass, "Microsoft-Windows-International-Core-WinPE");
  Add(international.append_child("SetupUILanguage"), "UILanguage", WindowsLocale(task.locale()));
  AddLanguages(international, WindowsLocale(task.locale()));
  xml_node setup = Component(pass, "Microsoft-Windows-Setup");
  xml_node from =
      setup.append_child("ImageInstall").append_child("OSImage").append_child("InstallFrom");
  Add(from, "Path", context.image.url);
  xml_node data = Item(from, "MetaData");
  Add(data, "Key", "/IMAGE/INDEX");
  Add(data, "Value", std::to_string(std::max(task.image_index(), 1u)));
  xml_node user = setup.append_child("UserData");
  Add(user, "AcceptEula", "true");
}

void AddStaticNetwork(xml_node pass, const BootTask& task) {
  const auto& network = task.network();
  if (network.dhcp() || network.address().empty()) return;
  std::string mac = task.mac();
  std::replace(mac.begin(), mac.end(), ':', '-');
  xml_node interface =
      Item(Component(pass, "Microsoft-Windows-TCPIP").append_child("Interfaces"), "Interface");
  Add(interface.append_child("Ipv4Settings"), "DhcpEnabled", "false");
  Add(interface, "Identifier", mac);
  xml_node address = Item(interface.append_child("UnicastIpAddresses"), "IpAddress");
  address.append_attribute("wcm:keyValue") = "1";
  address.text().set(fmt::format("{}/{}", network.address(), network.prefix_length()).c_str());
  if (!network.gateway().empty()) {
    xml_node route = Item(interface.append_child("Routes"), "Route");
    Add(route, "Identifier", "1");
    Add(route, "Prefix", "0.0.0.0/0");
    Add(route, "NextHopAddress", network.gateway());
  }
  if (network.dns_servers_size() == 0) return;
  xml_node dns =
      Item(Component(pass, "Microsoft-Windows-DNS-Client").append_child("Interfaces"), "Interface");
  Add(dns, "Identifier", mac);
  xml_node order = dns.append_child("DNSServerSearchOrder");
  for (int i = 0; i < network.dns_servers_size(); ++i) {
    xml_node server = Item(order, "IpAddress");
    server.append_attribute("wcm:keyValue") = std::to_string(i + 1).c_str();
    server.text().set(network.dns_servers(i).c_str());
  }
}

void AddDomain(xml_node pass, const BootTask& task) {
  const auto& domain = task.domain();
  if (domain.name().empty() && domain.account_data().empty()) return;
  xml_node identification =
      Component(pass, "Microsoft-Windows-UnattendedJoin").append_child("Identification");
  if (!domain.account_data().empty()) {
    Add(identification.append_child("Provisioning"), "AccountData", domain.account_data());
    return;
  }
  if (!domain.user().empty()) {
    xml_node credentials = identification.append_child("Credentials");
    Add(credentials, "Domain", domain.name());
    Add(credentials, "Username", domain.user());
    Add(credentials, "Password", domain.password());
  }
  Add(identification, "JoinDomain", domain.name());
  if (!domain.organizational_unit().empty())
    Add(identification, "MachineObjectOU", domain.organizational_unit());
}

void AddRemoteDesktop(xml_node pass) {
  Add(Component(pass, "Microsoft-Windows-TerminalServices-LocalSessionManager"),
      "fDenyTSConnections", "false");
  Add(Component(pass, "Microsoft-Windows-TerminalServices-RDP-WinStationExtensions"),
      "UserAuthentication", "1");
  // The rule's group by its resource, which is the same in every language.
  xml_node group = Item(Component(pass, "Networking-MPSSVC-Svc").append_child("FirewallGroups"),
                        "FirewallGroup");
  group.append_attribute("wcm:keyValue") = "RemoteDesktop";
  Add(group, "Active", "true");
  Add(group, "Group", "@FirewallAPI.dll,-28752");
  Add(group, "Profile", "all");
}

void Specialize(xml_node root, const BootTask& task) {
  const xml_node pass = Pass(root, "specialize");
  xml_node shell = Component(pass, "Microsoft-Windows-Shell-Setup");
  Add(shell, "ComputerName",
      task.hostname().substr(0, std::min(task.hostname().find('.'), kMaxComputerName)));
  Add(shell, "TimeZone", WindowsTimezone(task.timezone()));
  AddStaticNetwork(pass, task);
  AddDomain(pass, task);
  if (task.post_install().enable_rdp()) AddRemoteDesktop(pass);
}

void OobeSystem(xml_node root, const BootTask& task) {
  const xml_node pass = Pass(root, "oobeSystem");
  AddLanguages(Component(pass, "Microsoft-Windows-International-Core"),
               WindowsLocale(task.locale()));
  xml_node shell = Component(pass, "Microsoft-Windows-Shell-Setup");
  xml_node oobe = shell.append_child("OOBE");
  for (const char* page : {"HideEULAPage", "HideLocalAccountScreen", "HideOEMRegistrationScreen",
                           "HideOnlineAccountScreens", "HideWirelessSetupInOOBE"}) {
    Add(oobe, page, "true");
  }
  Add(oobe, "ProtectYourPC", "3");
  if (!task.admin_password().empty()) {
    AddPassword(shell.append_child("UserAccounts"), "AdministratorPassword", task.admin_password());
  }
}

}  // namespace

std::string WindowsTimezone(const std::string& timezone) {
  for (const Zone& zone : kZones) {
    if (zone.iana == timezone) return std::string(zone.windows);
  }
  const bool iana = timezone.find('/') != std::string::npos;
  return timezone.empty() || iana ? "UTC" : timezone;
}

std::string WindowsLocale(const std::string& locale) {
  std::string name = LocaleOf(locale);
  name.resize(std::min(name.size(), name.find_first_of(".@")));
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string Autounattend(const BootTask& task, const AnswerContext& context) {
  pugi::xml_document document;
  xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "utf-8";
  xml_node root = document.append_child("unattend");
  root.append_attribute("xmlns") = "urn:schemas-microsoft-com:unattend";
  root.append_attribute("xmlns:wcm") = "http://schemas.microsoft.com/WMIConfig/2002/State";
  WindowsPe(root, task, context);
  Specialize(root, task);
  OobeSystem(root, task);
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace tentacle::pxe
