// A whole frame as it is captured: what comes of it is fit for a log, a page and a database.
#include <cstddef>
#include <cstdint>
#include <string>

#include "libs/runtime/check.h"
#include "libs/text/display.h"
#include "services/discovery/core/frame_observer.h"
#include "services/discovery/limits.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)

discovery::WatchedInterface Interface() {
  discovery::WatchedInterface interface;
  interface.name = "eth0";
  interface.mac.octets = {0x52, 0x54, 0, 0, 0, 1};
  interface.subnets = {{"eth0", 0x0a000001, 24}};
  return interface;
}

// Making it fit again changes nothing, so nothing is left to be made fit.
void CheckText(const std::string& text) {
  TENTACLE_CHECK(text.size() <= 255);
  TENTACLE_CHECK(text::DisplayText(text, 255) == text);
}

void CheckNeighbour(const discovery::Neighbour& neighbour) {
  CheckText(neighbour.chassis);
  CheckText(neighbour.name);
  CheckText(neighbour.port);
  CheckText(neighbour.port_description);
  CheckText(neighbour.description);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const discovery::WatchedInterface interface = Interface();
  const auto report = discovery::ObserveFrame(wire::Bytes(data, size), interface);
  TENTACLE_CHECK(report.dropped.has_value() != (report.device || report.dhcp || report.neighbour));
  if (report.device) {
    TENTACLE_CHECK(discovery::IsDeviceMac(report.device->mac));
    TENTACLE_CHECK(report.device->address == 0 || interface.IsNeighbour(report.device->address));
    CheckText(report.device->name);
    CheckText(report.device->vendor_class);
    CheckText(report.device->fingerprint);
    CheckText(report.device->client_id);
  }
  if (report.dhcp) CheckText(report.dhcp->boot_file);
  if (report.neighbour) CheckNeighbour(*report.neighbour);
  return 0;
}
