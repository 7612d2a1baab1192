#include "services/discovery/core/port_names.h"

#include <algorithm>
#include <iterator>

namespace tentacle::discovery {

namespace {

struct Name {
  std::uint16_t port;
  std::string_view name;
  bool greets = false;
};

// In order of port (IANA "Service Name and Transport Protocol Port Number Registry", and what is
// common beside it).
constexpr Name kNames[] = {
    {21, "ftp", true},
    {22, "ssh", true},
    {23, "telnet"},
    {25, "smtp", true},
    {53, "domain"},
    {80, "http"},
    {88, "kerberos"},
    {110, "pop3", true},
    {111, "sunrpc"},
    {135, "msrpc"},
    {139, "netbios-ssn"},
    {143, "imap", true},
    {161, "snmp"},
    {389, "ldap"},
    {443, "https"},
    {445, "microsoft-ds"},
    {465, "submissions"},
    {515, "printer"},
    {548, "afpovertcp"},
    {554, "rtsp"},
    {587, "submission", true},
    {631, "ipp"},
    {636, "ldaps"},
    {873, "rsync", true},
    {902, "vmware-auth", true},
    {993, "imaps"},
    {995, "pop3s"},
    {1433, "ms-sql-s"},
    {1521, "oracle"},
    {1723, "pptp"},
    {1883, "mqtt"},
    {2049, "nfs"},
    {2375, "docker"},
    {3128, "squid-http"},
    {3260, "iscsi-target"},
    {3306, "mysql", true},
    {3389, "ms-wbt-server"},
    {5000, "http-alt"},
    {5060, "sip"},
    {5222, "xmpp-client"},
    {5357, "wsdapi"},
    {5432, "postgresql"},
    {5900, "rfb", true},
    {5985, "wsman"},
    {5986, "wsmans"},
    {6379, "redis"},
    {8000, "http-alt"},
    {8006, "proxmox"},
    {8080, "http-alt"},
    {8443, "https-alt"},
    {8883, "secure-mqtt"},
    {9080, "octofleet-boot"},
    {9081, "octofleet-images"},
    {9100, "pdl-datastream"},
    {9200, "elasticsearch"},
    {10000, "webmin"},
    {16992, "amt-soap-http"},
    {27017, "mongodb"},
};

const Name* Find(std::uint16_t port) {
  const auto before = [](const Name& name, std::uint16_t p) { return name.port < p; };
  const auto* found = std::lower_bound(std::begin(kNames), std::end(kNames), port, before);
  return found == std::end(kNames) || found->port != port ? nullptr : found;
}

}  // namespace

std::string_view PortName(std::uint16_t port) {
  const Name* name = Find(port);
  return name == nullptr ? std::string_view() : name->name;
}

bool Greets(std::uint16_t port) {
  const Name* name = Find(port);
  // A service on a port of its own choice may be one that greets: that is how it is told.
  return name == nullptr || name->greets;
}

}  // namespace tentacle::discovery
