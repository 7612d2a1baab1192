// TCP 9080: scripts, boot files, orders and the installers' callbacks (docs/protocol.md section 5).
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "libs/net/http_types.h"
#include "services/pxe/boot_desk.h"
#include "services/pxe/metrics.h"
#include "services/pxe/neighbours.h"

namespace tentacle::pxe {

// Home thread only.
class BootHttp {
 public:
  BootHttp(BootDesk& desk,
           Metrics& metrics,
           std::string boot_dir,
           std::uint16_t port,
           MacOfAddress mac_of)
      : desk_(desk),
        metrics_(metrics),
        boot_dir_(std::move(boot_dir)),
        port_(port),
        mac_of_(std::move(mac_of)) {}

  boost::asio::awaitable<net::HttpReply> Handle(net::HttpRequest request);

 private:
  // Who asks, as far as it can be told.
  BootCall CallOf(const net::HttpRequest& request) const;
  boost::asio::awaitable<net::HttpReply> Script(net::HttpRequest request, bool grub);
  boost::asio::awaitable<net::HttpReply> Answer(net::HttpRequest request);
  net::HttpReply File(const net::HttpRequest& request);
  net::HttpReply Autoexec(const net::HttpRequest& request);
  boost::asio::awaitable<net::HttpReply> Orders(net::HttpRequest request);
  boost::asio::awaitable<net::HttpReply> Callback(net::HttpRequest request, std::string task_id);

  BootDesk& desk_;
  Metrics& metrics_;
  std::string boot_dir_;
  std::uint16_t port_;
  MacOfAddress mac_of_;
};

}  // namespace tentacle::pxe
