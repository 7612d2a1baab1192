// The Store over a Database: asks for room before each write, and after a failure closes and opens
// again instead of writing on.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "libs/store/database.h"
#include "libs/store/store.h"

namespace tentacle::store {

// Where a damaged database went, and why.
struct Recovery {
  std::string moved_to;  // Empty: nothing was damaged.
  std::string reason;
};

class MendingStore final : public Store {
 public:
  MendingStore(std::string path,
               StoreOptions options,
               std::unique_ptr<Database> database,
               Recovery recovery);

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override;
  absl::Status Apply(const std::vector<Write>& writes, bool sync) override;
  absl::Status Scan(std::string_view from,
                    std::string_view to,
                    const std::function<bool(std::string_view, std::string_view)>& visit) override;
  StoreCondition Check() override;
  StoreCounts counts() const override;

  bool recovered() const override { return !recovery_.moved_to.empty(); }

  std::string recovered_from() const override { return recovery_.moved_to; }

  std::string recovery_reason() const override { return recovery_.reason; }

 private:
  // Opens again if something failed and the pause since the last attempt is over.
  absl::Status Mend();
  // Notes that the database is not to be written to any more. Needs no lock.
  absl::Status Failed(absl::Status status);
  absl::Status Problem() const;

  const std::string path_;
  const StoreOptions options_;
  const Recovery recovery_;
  // Shared by those who use the database, alone for who replaces it.
  mutable std::shared_mutex use_;
  std::unique_ptr<Database> database_;
  // Guards what follows; never held while the disk works.
  mutable std::mutex state_;
  absl::Status problem_;  // Not OK: broken.
  bool damaged_ = false;  // For good.
  std::chrono::steady_clock::time_point retry_at_;
  StoreCounts counts_;
};

// OK when the folder's disk has `needed` free bytes; ResourceExhausted says what is missing.
absl::Status CheckRoom(const std::string& path, const StoreOptions& options, std::uint64_t needed);

}  // namespace tentacle::store
