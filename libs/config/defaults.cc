#include "libs/config/config.h"

namespace tentacle::config {

namespace {

constexpr std::uint64_t kGiB = 1ull << 30;

}  // namespace

TentacleConfig Defaults() {
  TentacleConfig config;
  config.mutable_log()->set_level("info");
  config.mutable_backend();
  config.mutable_node();

  auto* uplink = config.mutable_uplink();
  uplink->set_mode("full");
  uplink->set_ping_interval_s(15);
  uplink->set_backoff_base_ms(1000);
  uplink->set_backoff_cap_ms(60'000);
  uplink->set_admin_listen("127.0.0.1:9471");

  auto* pxe = config.mutable_pxe();
  pxe->set_enabled(true);
  pxe->set_dhcp_port(67);
  pxe->set_boot_server_port(4011);
  pxe->set_tftp_port(69);
  pxe->set_http_port(9080);
  pxe->set_max_tftp_sessions(256);
  pxe->set_admin_listen("127.0.0.1:9472");

  auto* cache = config.mutable_cache();
  cache->set_enabled(true);
  cache->set_max_bytes(100 * kGiB);
  cache->set_min_free_bytes(1 * kGiB);
  cache->set_http_port(9081);
  cache->set_wan_limit_mbit(0);
  cache->set_time_zone("");
  cache->set_peers_enabled(true);
  cache->set_admin_listen("127.0.0.1:9473");

  auto* discovery = config.mutable_discovery();
  discovery->set_enabled(true);
  discovery->set_scan_interval_min(60);
  discovery->set_probes_per_second(50);
  discovery->set_admin_listen("127.0.0.1:9474");
  discovery->set_allow_large_networks(false);
  discovery->set_ping_interval_s(60);

  auto* agent = config.mutable_agent();
  agent->set_enabled(true);
  agent->set_metrics_interval_s(60);
  agent->set_inventory_interval_min(60);
  agent->set_jobs_enabled(true);
  agent->set_shell_enabled(false);
  agent->set_journal_enabled(false);
  agent->set_journal_priority(4);
  agent->set_journal_entries_per_minute(600);
  agent->set_admin_listen("127.0.0.1:9475");
  agent->set_host_root("/");
  return config;
}

}  // namespace tentacle::config
