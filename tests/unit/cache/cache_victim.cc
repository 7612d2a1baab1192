// A cache that is to be killed: checks what an earlier one left, says "ready", and then pulls,
// evicts, damages, checks and serves at random.
//
//   cache_victim BACKEND_URL FOLDER SEED OPERATIONS
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>

#include "libs/identity/identity.h"
#include "services/cache/core/image_name.h"
#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/kill_world.h"

namespace tentacle::cache::testing {
namespace {

namespace fs = std::filesystem;

class Victim {
 public:
  Victim(const std::string& url, const std::string& folder, unsigned seed)
      : folder_(folder), bench_(url, folder), random_(seed) {
    bench_.config.config.mutable_cache()->set_max_bytes(kKillRoom);
    bench_.Start();
  }

  // Every file is known and what is cached is right, whatever happened before.
  bool CheckWhatIsHere() {
    bool good = true;
    bench_.OnHome([&] {
      std::set<std::string> known;
      for (const auto& [id, entry] : bench_.library().entries()) {
        known.insert({bench_.FinalPath(id), bench_.PartPath(id)});
        const bool cached = entry->image.state() == v1::IMAGE_STATE_CACHED;
        if (cached && identity::Sha256Hex(ReadFile(bench_.FinalPath(id))) != entry->image.sha256())
          good = Say("a cached file is wrong: " + id);
        // A pull that was resumed may be done by now; its word is on the way.
        if (!cached && !entry->pull_runs && fs::exists(bench_.FinalPath(id)))
          good = Say("a final file is not cached: " + id);
      }
      for (const auto& file : fs::directory_iterator(bench_.folder())) {
        if (!known.contains(file.path().string())) good = Say("a file that nobody knows");
      }
      if (fs::exists(Kept())) {
        const auto keep = bench_.library().entries().find("keep");
        if (keep == bench_.library().entries().end()) {
          good = Say("the pinned image is lost");
        } else if (const auto& image = keep->second->image;
                   !image.pinned() ||
                   !(keep->second->pull_runs || bench_.library().Waits(*keep->second) ||
                     image.state() == v1::IMAGE_STATE_CACHED)) {
          good =
              Say("the pinned image is neither here nor on its way: " + image.ShortDebugString());
        }
      }
    });
    return good;
  }

  // The pinned image, once.
  bool Keep() {
    if (fs::exists(Kept())) return true;
    static_cast<void>(bench_.Pull("keep"));
    const bool cached = bench_.AwaitRest("keep").state() == v1::IMAGE_STATE_CACHED;
    if (!cached || !bench_.Do(bench_.library().Pin("keep", true)).ok())
      return Say("cannot be kept");
    std::ofstream(Kept()) << "yes";
    return true;
  }

  bool Work(int operations) {
    for (int i = 0; i < operations; ++i) {
      const std::size_t index = Below(kKillImages.size());
      if (!One(index, kKillImages[index].id)) return false;
    }
    return true;
  }

 private:
  bool One(std::size_t index, const std::string& id) {
    switch (Below(7)) {
      case 0:
      case 1:
        static_cast<void>(bench_.Pull(id));
        return true;
      case 2:
        static_cast<void>(bench_.Evict(id));
        return true;
      case 3:
        bench_.OnHome([&] { static_cast<void>(bench_.scrubber().Request(id)); });
        return true;
      case 4:
        Damage(id);
        return true;
      default:
        return Fetch(index, id);
    }
  }

  void Damage(const std::string& id) {
    if (id == "keep") return;
    const int fd = ::open(bench_.FinalPath(id).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    static_cast<void>(::pwrite(fd, "damage", 6, static_cast<off_t>(Below(30'000))));
    ::close(fd);
  }

  bool Fetch(std::size_t index, const std::string& id) {
    const std::string bytes = KillBytes(index);
    const std::size_t from = Below(bytes.size());
    const Answer answer = bench_.Get(id, "Range: bytes=" + std::to_string(from) + "-\r\n");
    // Short or refused is no wrong byte.
    if (answer.status != 206) return true;
    if (bytes.compare(from, answer.body.size(), answer.body) == 0) return true;
    return answer.whole() || kKillImages[index].chunked ? Say("a wrong byte was served: " + id)
                                                        : true;
  }

  std::size_t Below(std::size_t limit) { return random_() % limit; }

  std::string Kept() const { return folder_ + "/kept"; }

  static bool Say(const std::string& what) {
    std::fprintf(stderr, "cache_victim: %s\n", what.c_str());
    return false;
  }

  const std::string folder_;
  CacheBench bench_;
  std::mt19937 random_;
};

}  // namespace
}  // namespace tentacle::cache::testing

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  using tentacle::cache::testing::Victim;
  Victim victim(argv[1], argv[2], static_cast<unsigned>(std::atoi(argv[3])));
  if (!victim.CheckWhatIsHere() || !victim.Keep()) return 1;
  std::puts("ready");
  std::fflush(stdout);
  return victim.Work(std::atoi(argv[4])) ? 0 : 1;
}
