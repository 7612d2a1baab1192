#include "backend/image_files.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace tentacle::backend {
namespace {

namespace fs = std::filesystem;

class ImageFilesTest : public ::testing::Test {
 protected:
  void Write(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }

  const TempDir folder_;
  const std::string path_ = folder_ / "image";
};

TEST_F(ImageFilesTest, AFileThatWasWrittenAMomentAgoIsNotRead) {
  Write("half of it");
  const ImageFiles files(folder_.path(), absl::Hours(1));
  EXPECT_TRUE(absl::IsAborted(files.Hash("image").status()));
  fs::last_write_time(path_, fs::file_time_type::clock::now() - std::chrono::hours(2));
  const auto hashed = files.Hash("image");
  ASSERT_TRUE(hashed.ok()) << hashed.status();
  EXPECT_EQ(hashed->size_bytes, 10u);
  // A clock that is far ahead is no reason to wait for ever.
  fs::last_write_time(path_, fs::file_time_type::clock::now() + std::chrono::hours(2));
  EXPECT_TRUE(files.Hash("image").ok());
}

TEST_F(ImageFilesTest, AFileThatGrowsWhileItIsReadIsNoImageYet) {
  Write(std::string(8 << 20, 'x'));
  const ImageFiles files(folder_.path(), absl::ZeroDuration());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::ofstream more(path_, std::ios::binary | std::ios::app);
    while (!done)
      more << "more" << std::flush;
  });
  const auto hashed = files.Hash("image");
  done = true;
  writer.join();
  EXPECT_TRUE(absl::IsAborted(hashed.status())) << hashed.status();
  EXPECT_TRUE(files.Hash("image").ok());
}

}  // namespace
}  // namespace tentacle::backend
