#include "services/pxe/task_dir.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.

TrackedTask Sample(const std::string& id = "t1", const wire::MacAddress& mac = kMac) {
  TrackedTask tracked;
  tracked.mac = mac;
  tracked.task = Task(id, mac);
  tracked.progress.set_task_id(id);
  tracked.progress.set_status(task::v1::TASK_STATUS_INSTALLING);
  tracked.progress.set_stage("downloading");
  tracked.progress.set_percent(42);
  tracked.progress.set_message("half way");
  tracked.progress.mutable_changed_at()->set_seconds(1'760'000'000);
  tracked.boot_number = 3;
  tracked.redemption = {"192.168.10.101", 2, absl::FromUnixSeconds(1'759'999'000)};
  return tracked;
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string Slurp(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(TaskFile, IsReadableForAPerson) {
  ExpectGolden("pxe/task_file.json", RenderTaskFile(Sample()));
}

TEST(TaskFile, RoundTripKeepsTaskProgressAndOrders) {
  const auto again = ParseTaskFile(RenderTaskFile(Sample()));
  ASSERT_TRUE(again.ok()) << again.status();
  const TrackedTask want = Sample();
  EXPECT_EQ(again->mac, want.mac);
  EXPECT_EQ(again->task.id(), "t1");
  EXPECT_EQ(again->task.hostname(), "web-01");
  EXPECT_EQ(again->task.image_id(), "img-1");
  EXPECT_EQ(again->progress.SerializeAsString(), want.progress.SerializeAsString());
  EXPECT_EQ(again->boot_number, 3u);
  EXPECT_EQ(again->redemption.address, "192.168.10.101");
  EXPECT_EQ(again->redemption.times, 2u);
  EXPECT_EQ(again->redemption.first, want.redemption.first);
}

TEST(TaskFile, UnknownFieldsOfTheTaskSurvive) {
  EXPECT_NE(RenderTaskFile(Sample()).find("\"kept\""), std::string::npos);
}

TEST(TaskFile, HoldsNoPasswordAtAnyDepth) {
  TrackedTask tracked = Sample();
  tracked.task.set_source_json(
      R"({"id":"t1","mac":"52:54:00:65:d5:42","adminPassword":"s3cret","domain":{"joinPassword":"s3cret"},)"
      R"("list":[{"Password":"s3cret"},{"accountData":"s3cret"}]})");
  EXPECT_EQ(RenderTaskFile(tracked).find("s3cret"), std::string::npos);
}

TEST(TaskFile, EveryTruncationIsRefused) {
  const std::string whole = RenderTaskFile(Sample());
  for (std::size_t size = 0; size + 2 < whole.size(); ++size) {  // The last two are "}\n".
    EXPECT_TRUE(absl::IsDataLoss(ParseTaskFile(whole.substr(0, size)).status())) << size;
  }
}

TEST(TaskFile, WrongTypesAreRefused) {
  for (const char* text : {"[]", "{}", R"({"task":1,"progress":{},"orders":{}})",
                           R"({"task":{},"progress":{"status":"waiting"},"orders":{}})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseTaskFile(text).status())) << text;
  }
  std::string text = RenderTaskFile(Sample());
  text.replace(text.find("installing"), 10, "exploding!");
  EXPECT_TRUE(absl::IsDataLoss(ParseTaskFile(text).status()));
}

TEST(TaskDir, SavedTasksAreLoadedAgain) {
  TempDir temp;
  TaskDir dir(temp.path() + "/tasks");
  ASSERT_TRUE(dir.Load().ok());  // Makes the folder.
  ASSERT_TRUE(dir.Save(kMac, RenderTaskFile(Sample())).ok());
  ASSERT_TRUE(dir.Save(kOtherMac, RenderTaskFile(Sample("t2", kOtherMac))).ok());
  const auto loaded = dir.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->tasks.size(), 2u);
  EXPECT_TRUE(loaded->quarantined.empty());
}

TEST(TaskDir, FilesAreNamedByMacAndForTheirOwnerAlone) {
  TempDir temp;
  TaskDir dir(temp.path());
  ASSERT_TRUE(dir.Save(kMac, "x").ok());

  struct stat info {};

  ASSERT_EQ(::stat((temp.path() + "/52-54-00-65-d5-42.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST(TaskDir, CorruptFileIsSetAsideAndTheOthersLoad) {
  TempDir temp;
  TaskDir dir(temp.path());
  ASSERT_TRUE(dir.Save(kMac, RenderTaskFile(Sample())).ok());
  Write(temp.path() + "/52-54-00-00-00-01.json", "{\"task\": ");
  const auto loaded = dir.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->tasks.size(), 1u);
  ASSERT_EQ(loaded->quarantined.size(), 1u);
  EXPECT_NE(loaded->quarantined[0].find("52-54-00-00-00-01.json: "), std::string::npos);
  EXPECT_EQ(Slurp(temp.path() + "/52-54-00-00-00-01.json.corrupt"), "{\"task\": ");
  EXPECT_TRUE(dir.Load()->quarantined.empty());  // Told once.
}

TEST(TaskDir, CopyUnderAnotherNameIsSetAside) {
  TempDir temp;
  TaskDir dir(temp.path());
  ASSERT_TRUE(dir.Save(kMac, RenderTaskFile(Sample())).ok());
  Write(temp.path() + "/copy.json", RenderTaskFile(Sample()));
  const auto loaded = dir.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->tasks.size(), 1u);
  EXPECT_EQ(loaded->quarantined.size(), 1u);
}

TEST(TaskDir, HalfWrittenReplacementDoesNotHurt) {
  TempDir temp;
  TaskDir dir(temp.path());
  ASSERT_TRUE(dir.Save(kMac, RenderTaskFile(Sample())).ok());
  Write(temp.path() + "/52-54-00-65-d5-42.json.new",
        "{\"ta");  // The process was killed while it wrote.
  const auto loaded = dir.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->tasks.size(), 1u);
  EXPECT_TRUE(loaded->quarantined.empty());
  EXPECT_TRUE(dir.Save(kMac, RenderTaskFile(Sample())).ok());
}

TEST(TaskDir, RemovedTaskIsGoneAndRemovingTwiceIsNoError) {
  TempDir temp;
  TaskDir dir(temp.path());
  ASSERT_TRUE(dir.Save(kMac, RenderTaskFile(Sample())).ok());
  EXPECT_TRUE(dir.Remove(kMac).ok());
  EXPECT_TRUE(dir.Remove(kMac).ok());
  EXPECT_TRUE(dir.Load()->tasks.empty());
}

TEST(TaskDir, AFolderThatCannotBeMadeIsAnError) {
  TempDir temp;
  Write(temp.path() + "/file", "");
  TaskDir dir(temp.path() + "/file/tasks");
  EXPECT_FALSE(dir.Load().ok());
  EXPECT_FALSE(dir.Save(kMac, "x").ok());
}

}  // namespace
}  // namespace tentacle::pxe
