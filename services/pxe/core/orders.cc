#include "services/pxe/core/orders.h"

#include <algorithm>
#include <string_view>

namespace tentacle::pxe {

namespace {

class Lines {
 public:
  void Add(std::string_view key, std::string_view value) {
    const bool printable = std::none_of(value.begin(), value.end(), [](char c) {
      const auto octet = static_cast<unsigned char>(c);
      return octet < 0x20 || octet == 0x7f;
    });
    if (value.empty() || !printable) return;
    text_.append(key).append(" ").append(value).append("\n");
  }

  void Add(std::string_view key, std::uint64_t value) { Add(key, std::to_string(value)); }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

void AddNetwork(const task::v1::NetworkPlan& network, bool given, Lines* lines) {
  const bool dhcp = !given || network.dhcp();
  lines->Add("net_dhcp", dhcp ? "yes" : "no");
  if (dhcp) return;
  lines->Add("net_address", network.address());
  lines->Add("net_prefix", network.prefix_length());
  lines->Add("net_gateway", network.gateway());
  for (const std::string& server : network.dns_servers())
    lines->Add("net_dns", server);
}

}  // namespace

std::string RenderOrders(const task::v1::BootTask& task, const OrderContext& context) {
  Lines lines;
  lines.Add("task_id", task.id());
  lines.Add("callback_token", context.callback_token);
  lines.Add("callback_url", context.callback_url);
  lines.Add("hostname", task.hostname());
  lines.Add("mac", task.mac());
  lines.Add("image_url", context.image.url);
  lines.Add("image_sha256", context.image.sha256);
  lines.Add("image_size_bytes", context.image.size_bytes);
  lines.Add("image_format", context.image.format);
  lines.Add("unpacked_size_bytes", context.image.unpacked_size_bytes);
  lines.Add("disk_serial", task.disk().serial());
  lines.Add("disk_path", task.disk().path());
  if (task.disk().min_size_bytes() > 0)
    lines.Add("disk_min_size_bytes", task.disk().min_size_bytes());
  AddNetwork(task.network(), task.has_network(), &lines);
  for (const std::string& key : task.ssh_keys())
    lines.Add("ssh_key", key);
  lines.Add("locale", task.locale());
  lines.Add("timezone", task.timezone());
  return lines.Take();
}

}  // namespace tentacle::pxe
