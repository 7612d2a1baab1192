// What the uplink was told, on a disk that may be full.
#include "services/uplink/desired_store.h"

#include <memory>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "libs/backend_link/messages.h"
#include "tests/unit/libs/temp_dir.h"

namespace tentacle::uplink {
namespace {

namespace asio = boost::asio;

constexpr char kFrame[] = R"({"type":"scan.start","id":"m-1","commandId":"cmd-1"})";
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
    desired_ = std::make_unique<DesiredStore>(io_.get_executor(), pool_, *store_);
    ASSERT_TRUE(desired_->Load().ok());
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

}  // namespace
}  // namespace tentacle::uplink
