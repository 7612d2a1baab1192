// The real backend as a child process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tentacle::backend {

// What tests/backend/hub_test.sh has set; ends the program where it has not.
std::string TestSetting(const char* name);

// A backend as a child process.
class BackendProcess {
 public:
  explicit BackendProcess(const std::filesystem::path& dir,
                          const std::vector<std::string>& options = {});
  // Ends the program with a failure when the backend did, in which case sanitizers have spoken.
  ~BackendProcess();
  BackendProcess(const BackendProcess&) = delete;
  BackendProcess& operator=(const BackendProcess&) = delete;

  const std::string& base() const { return base_; }

  void Kill();       // SIGKILL
  void Terminate();  // SIGTERM, and waits.
  std::string Log() const;

 private:
  std::string log_;
  std::string base_;
  pid_t pid_ = 0;
};

}  // namespace tentacle::backend
