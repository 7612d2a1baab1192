// What the uplink was told, on a disk that may be full.
#include "services/uplink/desired_store.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "libs/backend_link/messages.h"
#include "tests/support/temp_dir.h"

namespace tentacle::uplink {
namespace {

namespace asio = boost::asio;

constexpr char kFrame[] = R"({"type":"scan.start","id":"m-1","commandId":"cmd-1"})";
constexpr char kMac[] = "52:54:00:00:00:01";
constexpr char kSecret[] = "m4rker-of-the-test";
constexpr std::uint64_t kFree = 1ull << 40;

class DesiredStoreTest : public ::testing::Test {
 protected:
  DesiredStoreTest() {
    store::StoreOptions options;
    options.free_bytes = [this](const std::string&) -> absl::StatusOr<std::uint64_t> {
      return disk_full_ ? 0 : kFree;
    };
    store_ = *store::Store::Open(dir_ / "db", std::move(options));
    Restart();
  }

  ~DesiredStoreTest() override { pool_.join(); }

  // What a new process finds.
  void Restart() {
    desired_ = std::make_unique<DesiredStore>(io_.get_executor(), pool_, *store_,
                                              [this] { return FindSealer(); });
    ASSERT_TRUE(desired_->Load().ok());
  }

  absl::StatusOr<identity::Sealer> FindSealer() const {
    if (!key_) return absl::NotFoundError("not enrolled");
    return identity::Sealer(*key_, "a test");
  }

  template <class Value>
  Value Await(asio::awaitable<Value> work) {
    auto future = asio::co_spawn(io_, std::move(work), asio::use_future);
    io_.restart();
    io_.run();
    return future.get();
  }

  // The message kFrame arrives. True: it may be acknowledged.
  bool Take() {
    const auto message = backend_link::Parse(kFrame);
    const auto actions = Route(*message);
    DesiredStore::NewCommand command;
    command.command = std::get<CommandAction>(actions.front()).command;
    command.frame = kFrame;
    command.on_waiting = [this] {
      ++waiting_;
      commands_then_ = desired_->commands().size();
      stored_then_ = StoredCommands();
    };
    return Await(desired_->Commit({}, *message->id, std::move(command))).ok();
  }

  bool TakeTask() {
    task::v1::BootTask task;
    task.set_id("7");
    task.set_mac(kMac);
    task.set_admin_password(kSecret);
    auto compute = [task](const DesiredState& state) {
      return AddTask(state, task, TableLimits{10, 100'000});
    };
    return Await(desired_->Commit(compute, std::nullopt, std::nullopt)).ok();
  }

  // Everything that is in the store.
  std::string Stored() {
    std::string all;
    const auto visit = [&all](std::string_view key, std::string_view value) {
      all.append(key).append("=").append(value).append("\n");
      return true;
    };
    EXPECT_TRUE(store_->Scan("", "\xff", visit).ok());
    return all;
  }

  int StoredCommands() {
    int count = 0;
    const auto visit = [&count](std::string_view, std::string_view) { return ++count > 0; };
    EXPECT_TRUE(store_->Scan("command/", "command0", visit).ok());
    return count;
  }

  TempDir dir_;
  asio::io_context io_;
  asio::thread_pool pool_{1};
  bool disk_full_ = false;
  std::unique_ptr<store::Store> store_;
  std::optional<identity::IdentityKey> key_ = *identity::IdentityKey::Generate();
  std::unique_ptr<DesiredStore> desired_;
  int waiting_ = 0;
  std::size_t commands_then_ = 0;
  int stored_then_ = -1;
};

TEST_F(DesiredStoreTest, ACommandCanBeHandedOverBeforeItIsOnTheDisk) {
  ASSERT_TRUE(Take());
  EXPECT_EQ(waiting_, 1);
  EXPECT_EQ(commands_then_, 1u);
  EXPECT_EQ(stored_then_, 0);
  EXPECT_EQ(StoredCommands(), 1);
  EXPECT_TRUE(desired_->HasSeen("m-1"));
}

TEST_F(DesiredStoreTest, ACommandThatWasNotHandedOverWaitsOverARestart) {
  ASSERT_TRUE(Take());
  Restart();
  ASSERT_EQ(desired_->commands().size(), 1u);
  EXPECT_EQ(desired_->commands().begin()->second.command.reference, "cmd-1");
  EXPECT_TRUE(desired_->HasSeen("m-1"));
}

TEST_F(DesiredStoreTest, AForgottenCommandIsGoneForGood) {
  ASSERT_TRUE(Take());
  EXPECT_TRUE(Await(desired_->Forget(desired_->commands().begin()->first)).ok());
  EXPECT_TRUE(desired_->commands().empty());
  Restart();
  EXPECT_TRUE(desired_->commands().empty());
}

TEST_F(DesiredStoreTest, WhatCannotBeStoredIsNotAcknowledgedAndWaitsForTheNextTime) {
  disk_full_ = true;
  EXPECT_FALSE(Take());
  EXPECT_TRUE(desired_->commands().empty());
  EXPECT_FALSE(desired_->HasSeen("m-1"));
  disk_full_ = false;
  EXPECT_TRUE(Take());
  EXPECT_EQ(waiting_, 2);
  EXPECT_EQ(desired_->commands().size(), 1u);
}

TEST_F(DesiredStoreTest, WhatWasHandedOverAndCouldNotBeStoredIsNotHandedOverAgain) {
  disk_full_ = true;
  EXPECT_FALSE(Take());
  EXPECT_TRUE(Await(desired_->Forget(1)).ok());  // The service has it.
  EXPECT_FALSE(Take());                          // The backend repeats it; the disk is still full.
  EXPECT_EQ(waiting_, 1);
  EXPECT_FALSE(desired_->HasSeen("m-1"));
  disk_full_ = false;
  EXPECT_TRUE(Take());
  EXPECT_EQ(waiting_, 1);
  EXPECT_TRUE(desired_->commands().empty());
  EXPECT_TRUE(desired_->HasSeen("m-1"));
}

TEST_F(DesiredStoreTest, WhatMayHoldASecretIsSealed) {
  ASSERT_TRUE(TakeTask());
  ASSERT_TRUE(Take());
  const std::string stored = Stored();
  EXPECT_NE(stored.find(kMac), std::string::npos);
  EXPECT_EQ(stored.find(kSecret), std::string::npos);
  EXPECT_EQ(stored.find("cmd-1"), std::string::npos);
}

TEST_F(DesiredStoreTest, WhatWasSealedIsThereAgainAfterARestart) {
  ASSERT_TRUE(TakeTask());
  ASSERT_TRUE(Take());
  Restart();
  EXPECT_EQ(desired_->unreadable(), 0U);
  EXPECT_EQ(desired_->commands().size(), 1U);
  ASSERT_EQ(desired_->state().tasks.count(kMac), 1U);
  EXPECT_EQ(desired_->state().tasks.at(kMac).admin_password(), kSecret);
}

TEST_F(DesiredStoreTest, WithoutTheKeyItIsLeftOutAndCounted) {
  ASSERT_TRUE(TakeTask());
  ASSERT_TRUE(Take());
  const auto key = std::exchange(key_, std::nullopt);
  Restart();
  EXPECT_EQ(desired_->unreadable(), 2U);
  EXPECT_TRUE(desired_->commands().empty());
  EXPECT_TRUE(desired_->state().tasks.empty());
  key_ = key;
  Restart();
  EXPECT_EQ(desired_->unreadable(), 0U);
  EXPECT_EQ(desired_->commands().size(), 1U);
}

TEST_F(DesiredStoreTest, WhatWasSealedWithAnotherKeyGoes) {
  ASSERT_TRUE(TakeTask());
  ASSERT_TRUE(Take());
  key_ = *identity::IdentityKey::Generate();
  Restart();
  EXPECT_EQ(desired_->unreadable(), 2U);
  EXPECT_TRUE(desired_->commands().empty());
  EXPECT_TRUE(desired_->state().tasks.empty());
  Restart();
  EXPECT_EQ(desired_->unreadable(), 0U);
}

TEST_F(DesiredStoreTest, WithoutAKeyNothingIsWritten) {
  const std::string before = Stored();
  key_.reset();
  EXPECT_FALSE(TakeTask());
  EXPECT_FALSE(Take());
  EXPECT_EQ(Stored(), before);
}

TEST_F(DesiredStoreTest, WhatAnOlderVersionDidNotSealIsRead) {
  task::v1::BootTask task;
  task.set_id("7");
  task.set_mac(kMac);
  ASSERT_TRUE(store_
                  ->Apply({{fmt::format("desired/task/{}", kMac), task.SerializeAsString()},
                           {"command/0000000000000001", fmt::format("1800000000000\n{}", kFrame)}})
                  .ok());
  Restart();
  EXPECT_EQ(desired_->unreadable(), 0U);
  EXPECT_EQ(desired_->state().tasks.count(kMac), 1U);
  EXPECT_EQ(desired_->commands().size(), 1U);
}

}  // namespace
}  // namespace tentacle::uplink
