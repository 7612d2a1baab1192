// One host from its start on: what an update has left is brought to its end, or a new one is begun.
// Somebody kills it at a named place (libs/runtime/kill_point.h). Arguments: the folder, good or
// bad.
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/agent/update_world.h"

namespace tentacle::agent::testing {
namespace {

// Keys have to outlive the process: an update that goes on is judged again.
std::vector<std::string> Roots(const std::string& path, const ReleaseMaker& maker, bool fresh) {
  if (fresh) {
    std::ofstream file(path, std::ios::trunc);
    for (const std::string& key : maker.Roots())
      file << key << "\n";
  }
  std::vector<std::string> roots;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    roots.push_back(line);
  return roots;
}

// False when the next start is asked for, true when the update is over and in the event log.
asio::awaitable<bool> EndOf(UpdateLife& life, const ReleaseFolder& folder) {
  while (life.commands.empty()) {
    const auto record = folder.Read();
    if (record.ok() && IsSettled(record->step) && record->reported) co_return true;
    life.over.expires_after(std::chrono::milliseconds(1));
    co_await life.over.async_wait(kTuple);
  }
  co_return false;
}

int Run(const std::string& path, bool good) {
  TestLoop loop;
  const HurryingClock clock(absl::Seconds(2));
  const ReleaseFolder folder(path + "/releases");
  ReleaseMaker maker(clock.start());
  maker.manifest.size_bytes = NewBytes().size();
  maker.manifest.sha256 = identity::Sha256Hex(NewBytes());
  FakeCache cache(loop.home());
  const auto before = folder.Read();
  if (!before.ok()) return 2;
  const bool fresh = before->step == UpdateStep::kIdle;
  const auto roots = Roots(path + "/roots", maker, fresh);
  std::vector<std::unique_ptr<UpdateLife>> lives;
  for (bool over = false; !over;) {
    if (!GuardStart(folder, clock.Now()).ok()) return 3;
    lives.push_back(std::make_unique<UpdateLife>(
        loop, folder, clock, roots, cache.url(),
        [good](const std::string& bytes) { return good || bytes == OldBytes(); }));
    UpdateLife& life = *lives.back();
    life.updater->Start();
    if (fresh && lives.size() == 1 && !loop.Run(life.Order(maker.Offer())).ok()) return 4;
    over = loop.Run(EndOf(life, folder));
    life.updater->Stop();
  }
  cache.server.Close();
  return ::testing::Test::HasFailure() ? 5 : 0;
}

}  // namespace
}  // namespace tentacle::agent::testing

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  return tentacle::agent::testing::Run(argv[1], std::string(argv[2]) == "good");
}
