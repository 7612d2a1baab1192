// What a tentacle's agent reports, put into the tables. Each in the transaction of its message.
#pragma once

#include <vector>

#include "backend/store/node_report.h"

namespace tentacle::backend {

std::vector<Change> ApplyInventory(const NodeReport& report);
std::vector<Change> ApplyMetrics(const NodeReport& report);
std::vector<Change> ApplyJobResult(const NodeReport& report);
std::vector<Change> ApplyJobStatus(const NodeReport& report);
std::vector<Change> ApplyShellStarted(const NodeReport& report);
std::vector<Change> ApplyShellRecording(const NodeReport& report);
std::vector<Change> ApplyShellEnded(const NodeReport& report);
std::vector<Change> ApplyJournal(const NodeReport& report);
std::vector<Change> ApplyUnitChanged(const NodeReport& report);
std::vector<Change> ApplyUpdate(const NodeReport& report);

}  // namespace tentacle::backend
