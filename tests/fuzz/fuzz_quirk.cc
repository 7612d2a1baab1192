// Rows of quirks from the backend: read or refused with a sentence, and what is read keeps to its
// ranges.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/config/pxe_quirk.h"
#include "libs/runtime/check.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/quirks.h"

using namespace tentacle;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view row(reinterpret_cast<const char*>(data), size);
  const auto quirk = config::ParsePxeQuirk(row);
  pxe::QuirkTable table;
  TENTACLE_CHECK(table.Configure({std::string(row)}).ok() == quirk.ok());
  if (!quirk.ok()) {
    TENTACLE_CHECK(!quirk.status().message().empty());
    return 0;
  }
  TENTACLE_CHECK(!quirk->name.empty() && quirk->mac_prefix.size() <= 6);
  TENTACLE_CHECK(quirk->delay_ms.value_or(0) <= config::kMaxQuirkDelayMs);
  // A loader is a name that TFTP serves as it is.
  if (!quirk->loader.empty()) {
    TENTACLE_CHECK(pxe::SafeBootPath(quirk->loader).has_value());
  }
  return 0;
}
