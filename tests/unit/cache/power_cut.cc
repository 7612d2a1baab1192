#include "tests/unit/cache/power_cut.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <set>

namespace tentacle::cache::testing {

namespace {

namespace fs = std::filesystem;

// A file by whichever name; numbers of inodes are given again, times of birth are not.
std::optional<std::string> KeyOf(int fd) {
  struct statx info {};

  if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0) return std::nullopt;
  return fmt::format("{}-{}-{}", info.stx_ino, info.stx_btime.tv_sec, info.stx_btime.tv_nsec);
}

std::optional<std::string> KeyOf(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return std::nullopt;
  const auto key = KeyOf(fd);
  ::close(fd);
  return key;
}

// With its time; in one step for whoever is killed meanwhile.
void CopyFile(const fs::path& from, const fs::path& to) {
  const fs::path fresh = to.string() + ".copy";
  std::error_code error;
  fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, error);
  if (error) return;
  fs::last_write_time(fresh, fs::last_write_time(from, error), error);
  fs::rename(fresh, to, error);
}

class Notes {
 public:
  Notes(fs::path root, fs::path notes) : root_(std::move(root)), notes_(std::move(notes)) {}

  void Begin() const {
    std::error_code error;
    fs::remove_all(notes_, error);
    fs::create_directories(notes_ / "files", error);
    fs::create_directories(notes_ / "folders", error);
    Folder(root_);
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (entry.is_directory()) Folder(entry.path());
      if (entry.is_regular_file()) File(entry.path(), *KeyOf(entry.path()));
    }
  }

  void Synced(int fd) const {
    std::error_code error;
    const fs::path path = fs::read_symlink(fmt::format("/proc/self/fd/{}", fd), error);
    if (error || !path.string().starts_with(root_.string())) return;
    if (fs::is_directory(path, error)) return Folder(path);
    if (const auto key = KeyOf(fd)) File(fmt::format("/proc/self/fd/{}", fd), *key);
  }

  void File(const fs::path& path, const std::string& key) const { CopyFile(path, Copy(key)); }

  void Folder(const fs::path& path) const {
    const fs::path list = List(path);
    const fs::path fresh = list.string() + ".new";
    {
      std::ofstream out(fresh);
      for (const auto& [name, key] : Present(path))
        out << name << '\n' << key << '\n';
    }
    std::error_code error;
    fs::rename(fresh, list, error);
  }

  // The names of files in a folder, now and as they were synced.
  static std::map<std::string, std::string> Present(const fs::path& path) {
    std::map<std::string, std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path, error)) {
      if (!entry.is_regular_file()) continue;
      if (const auto key = KeyOf(entry.path())) names[entry.path().filename().string()] = *key;
    }
    return names;
  }

  std::map<std::string, std::string> Durable(const fs::path& path) const {
    std::map<std::string, std::string> names;
    std::ifstream in(List(path));
    for (std::string name, key; std::getline(in, name) && std::getline(in, key);)
      names[name] = key;
    return names;
  }

  fs::path Copy(const std::string& key) const { return notes_ / "files" / key; }

 private:
  fs::path List(const fs::path& path) const {
    std::string name = fs::relative(path, root_).string();
    std::replace(name.begin(), name.end(), '/', '_');
    return notes_ / "folders" / name;
  }

  fs::path root_;
  fs::path notes_;
};

const Notes* OfThisProcess() {
  static const Notes* const notes = []() -> const Notes* {
    const char* root = std::getenv(kPowerRoot);
    const char* where = std::getenv(kPowerNotes);
    return root == nullptr || where == nullptr ? nullptr : new Notes(root, where);
  }();
  return notes;
}

std::mutex& Turn() {
  static std::mutex turn;
  return turn;
}

int Note(int fd, int result) {
  if (const Notes* notes = OfThisProcess(); notes != nullptr && result == 0) {
    const std::lock_guard lock(Turn());
    notes->Synced(fd);
  }
  return result;
}

// What is there at the start was written long ago.
[[maybe_unused]] const bool kBegun = [] {
  if (const Notes* notes = OfThisProcess()) notes->Begin();
  return true;
}();

class Cut {
 public:
  Cut(const Notes& notes, bool all_is_lost, std::mt19937& random)
      : notes_(notes), all_is_lost_(all_is_lost), random_(random) {}

  void Folder(const fs::path& from, const fs::path& to) {
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from)) {
      if (entry.is_directory()) Folder(entry.path(), to / entry.path().filename());
    }
    const auto present = Notes::Present(from);
    const auto durable = notes_.Durable(from);
    std::set<std::string> names;
    for (const auto& [name, key] : present)
      names.insert(name);
    for (const auto& [name, key] : durable)
      names.insert(name);
    for (const std::string& name : names) {
      const auto& chosen = IsWrittenBack() ? present : durable;
      const auto at = chosen.find(name);
      if (at != chosen.end()) File(at->second, to / name);
    }
  }

  // Where each file is now.
  std::map<std::string, fs::path> paths;

 private:
  bool IsWrittenBack() { return !all_is_lost_ && random_() % 2 == 0; }

  void File(const std::string& key, const fs::path& to) {
    const auto now = paths.find(key);
    const fs::path copy = notes_.Copy(key);
    if (now != paths.end() && IsWrittenBack()) return CopyFile(now->second, to);
    if (fs::exists(copy)) return CopyFile(copy, to);
    std::ofstream empty(to);  // Its name was written and nothing of its bytes.
  }

  const Notes& notes_;
  bool all_is_lost_;
  std::mt19937& random_;
};

}  // namespace

void CutPower(const std::string& root,
              const std::string& notes,
              bool all_is_lost,
              std::mt19937& random) {
  const Notes noted(root, notes);
  Cut cut(noted, all_is_lost, random);
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    if (const auto key = KeyOf(entry.path())) cut.paths[*key] = entry.path();
  }
  const std::string after = root + ".after";
  cut.Folder(root, after);
  fs::remove_all(root);
  fs::rename(after, root);
}

}  // namespace tentacle::cache::testing

// In front of the C library's, for RocksDB as well.
extern "C" int fsync(int fd) {
  return tentacle::cache::testing::Note(fd, static_cast<int>(::syscall(SYS_fsync, fd)));
}

extern "C" int fdatasync(int fd) {
  return tentacle::cache::testing::Note(fd, static_cast<int>(::syscall(SYS_fdatasync, fd)));
}
