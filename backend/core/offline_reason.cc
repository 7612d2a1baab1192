#include "backend/core/offline_reason.h"

namespace tentacle::backend {

std::string OfflineReason(const absl::Status& end) {
  switch (end.code()) {
    case absl::StatusCode::kOutOfRange:
      return "the tentacle closed the connection";
    case absl::StatusCode::kInvalidArgument:
      return "it sent a binary message, one of more than 1 MiB, or one that is not UTF-8";
    case absl::StatusCode::kDataLoss:
      return "a report of it could not be stored; it comes again";
    default:
      break;
  }
  // The one break of a line that has a cause to tell.
  if (end.message().find("no answer to") != absl::string_view::npos)
    return "no answer to three pings";
  return "the line broke";
}

}  // namespace tentacle::backend
