// Named conditions -> grpc.health.v1, /readyz and /healthz. Ready = every condition holds.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tentacle::runtime {

// Home thread only.
class Health {
 public:
  struct Condition {
    bool ok = false;
    // One sentence; also for what is idle on purpose ("not used in this mode").
    std::string detail;
  };

  void Set(std::string_view condition, bool ok, std::string detail = "");
  bool ready() const;

  const std::map<std::string, Condition, std::less<>>& conditions() const { return conditions_; }

  // Called after each change with the new ready().
  void OnChange(std::function<void(bool ready)> callback) { callback_ = std::move(callback); }

 private:
  std::map<std::string, Condition, std::less<>> conditions_;
  std::function<void(bool)> callback_;
};

}  // namespace tentacle::runtime
