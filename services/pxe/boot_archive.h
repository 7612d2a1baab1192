// The records of boots in the service's own store, so that pxe can still tell how a machine's boot
// went, and go on with it, after it was killed. A record is told to the kernel, not to the disk: it
// outlives the process, and may be lost with the host.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "libs/store/store.h"
#include "services/pxe/core/boot_record.h"

namespace tentacle::pxe {

// The boots of one machine, the newest last, as text; and back. DataLoss says what is wrong with
// it.
std::string RenderBoots(const std::vector<BootRecord>& boots);
absl::StatusOr<std::vector<BootRecord>> ParseBoots(const std::string& text);

// Blocking; one thread at a time.
class BootArchive {
 public:
  explicit BootArchive(store::Store& store) : store_(store) {}

  struct Loaded {
    std::vector<BootRecord> boots;
    std::vector<std::string> unreadable;  // "key: reason"; left out.
  };

  absl::StatusOr<Loaded> Load();
  // What the machine has now; nothing forgets it.
  absl::Status Save(const wire::MacAddress& mac, const std::vector<BootRecord>& boots);

 private:
  store::Store& store_;
};

}  // namespace tentacle::pxe
