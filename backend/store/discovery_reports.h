// What a tentacle's discovery reports, put into the tables. Each in the transaction of its message.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "backend/store/report_store.h"

namespace tentacle::backend {

struct DiscoveryReport {
  pqxx::work& tx;
  int node_id;
  const std::string& body;  // JSON of the message's fields.
};

std::vector<Change> ApplyScanResult(const DiscoveryReport& report);
// Where the revision before is not the one that stands here something is missing: the whole table
// is ordered anew.
std::vector<Change> ApplyDeviceChange(const DiscoveryReport& report);
std::vector<Change> ApplyDeviceSnapshot(const DiscoveryReport& report);
std::vector<Change> ApplySegment(const DiscoveryReport& report);
std::vector<Change> ApplyNetworkAlert(const DiscoveryReport& report);
std::vector<Change> ApplyRogueDhcp(const DiscoveryReport& report);
std::vector<Change> ApplyWakeSent(const DiscoveryReport& report);
std::vector<Change> ApplyWakeResult(const DiscoveryReport& report);

}  // namespace tentacle::backend
