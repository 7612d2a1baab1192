// What a tentacle's discovery reports, put into the tables. Each in the transaction of its message.
#pragma once

#include <vector>

#include "backend/store/node_report.h"

namespace tentacle::backend {

std::vector<Change> ApplyScanResult(const NodeReport& report);
// Where the revision before is not the one that stands here something is missing: the whole table
// is ordered anew.
std::vector<Change> ApplyDeviceChange(const NodeReport& report);
std::vector<Change> ApplyDeviceSnapshot(const NodeReport& report);
std::vector<Change> ApplySegment(const NodeReport& report);
std::vector<Change> ApplyNetworkAlert(const NodeReport& report);
std::vector<Change> ApplyRogueDhcp(const NodeReport& report);
std::vector<Change> ApplyWakeSent(const NodeReport& report);
std::vector<Change> ApplyWakeResult(const NodeReport& report);

}  // namespace tentacle::backend
