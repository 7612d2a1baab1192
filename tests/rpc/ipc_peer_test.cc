// Who may talk to a service, and who gets its socket.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "libs/rpc/call.h"
#include "libs/rpc/denial.h"
#include "libs/rpc/socket_file.h"
#include "tests/rpc/raw_health.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace tentacle::rpc {
namespace {

using testing::Child;

constexpr unsigned kGroup = 41000;     // The services' own.
constexpr unsigned kFirstUid = 41001;  // Of the five services.
constexpr unsigned kForeigner = 42000;
constexpr int kServices = 5;
constexpr int kOk = 0;
constexpr int kPermissionDenied = 7;

class Peers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
    ::chmod(dir_.path().c_str(), 0777);
  }

  std::unique_ptr<Child> Serve(int service, unsigned group) const {
    auto child = std::make_unique<Child>(std::vector<std::string>{
        RPC_PEER, "serve", Socket(service),
        std::to_string(kFirstUid + static_cast<unsigned>(service)),
        std::to_string(group == 0 ? kFirstUid + static_cast<unsigned>(service) : group),
        std::to_string(group)});
    std::string line;
    EXPECT_TRUE(child->ReadLine(line));
    EXPECT_EQ(line, "serving");
    return child;
  }

  std::string Socket(int service) const { return dir_ / fmt::format("{}.sock", service); }

  // The status code of each service, for a caller of that user.
  std::vector<int> Call(unsigned uid, unsigned gid, unsigned group) {
    std::vector<std::string> args = {RPC_PEER, "call", std::to_string(uid), std::to_string(gid),
                                     std::to_string(group)};
    for (int service = 0; service < kServices; ++service)
      args.push_back(Socket(service));
    Child child(args);
    std::vector<int> codes;
    std::string line;
    while (child.ReadLine(line)) {
      codes.push_back(std::stoi(line));
      said_ = line;
    }
    EXPECT_EQ(child.Wait(), 0);
    return codes;
  }

  TempDir dir_;
  std::string said_;
};

TEST_F(Peers, OfTheServicesGroupAndRootAreServedAndOthersAreTold) {
  std::vector<std::unique_ptr<Child>> services;
  for (int service = 0; service < kServices; ++service)
    services.push_back(Serve(service, kGroup));
  const std::vector<int> served(kServices, kOk);
  for (unsigned caller = 0; caller < kServices; ++caller)
    EXPECT_EQ(Call(kFirstUid + caller, kGroup, 0), served) << "service " << caller;
  EXPECT_EQ(Call(0, 0, 0), served) << "root";
  EXPECT_EQ(Call(kForeigner, kForeigner, kGroup), served) << "an operator in the group";
  EXPECT_EQ(Call(kForeigner, kForeigner, 0), std::vector<int>(kServices, kPermissionDenied));
  EXPECT_NE(said_.find("user 42000 is neither root nor"), std::string::npos) << said_;
}

TEST_F(Peers, WithoutACommonGroupAreServedByTheirOwnServiceOnly) {
  std::vector<std::unique_ptr<Child>> services;
  for (int service = 0; service < kServices; ++service)
    services.push_back(Serve(service, 0));
  for (unsigned caller = 0; caller < kServices; ++caller) {
    std::vector<int> expected(kServices, kPermissionDenied);
    expected[caller] = kOk;
    EXPECT_EQ(Call(kFirstUid + caller, kFirstUid + caller, 0), expected) << "service " << caller;
  }
  EXPECT_EQ(Call(0, 0, 0), std::vector<int>(kServices, kOk)) << "root";
}

class Sockets : public ::testing::Test {
 protected:
  // A server as the test's own user.
  std::unique_ptr<Child> Serve() const {
    return std::make_unique<Child>(std::vector<std::string>{
        RPC_PEER, "serve", path_, std::to_string(::geteuid()), std::to_string(::getegid()), "0"});
  }

  static std::string FirstLine(Child& child) {
    std::string line;
    child.ReadLine(line);
    return line;
  }

  // Listens without ever accepting, with room for one in its queue.
  int ListenDeaf() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd, 0), 0);
    return fd;
  }

  TempDir dir_;
  std::string path_ = dir_ / "s.sock";
};

TEST_F(Sockets, LeftByAKilledProcessIsReplaced) {
  {
    const auto killed = Serve();
    ASSERT_EQ(FirstLine(*killed), "serving");
    killed->Kill();
  }
  ASSERT_TRUE(std::filesystem::is_socket(path_));
  const auto next = Serve();
  EXPECT_EQ(FirstLine(*next), "serving");
}

TEST_F(Sockets, OfALivingProcessIsNeverStolen) {
  const auto first = Serve();
  ASSERT_EQ(FirstLine(*first), "serving");
  const auto second = Serve();
  EXPECT_NE(FirstLine(*second).find("the service is running already"), std::string::npos);
  EXPECT_EQ(second->Wait(), 1);
  EXPECT_TRUE(testing::CheckHealth(Dial(path_), std::chrono::seconds(20)).ok());
}

TEST_F(Sockets, OfAProcessThatIsStoppedIsNotStolenEither) {
  const auto first = Serve();
  ASSERT_EQ(FirstLine(*first), "serving");
  first->Signal(SIGSTOP);
  const auto second = Serve();
  EXPECT_NE(FirstLine(*second).find("the service is running already"), std::string::npos);
  first->Signal(SIGCONT);
  EXPECT_TRUE(testing::CheckHealth(Dial(path_), std::chrono::seconds(20)).ok());
}

TEST_F(Sockets, OfAListenerWithAFullQueueIsNotTakenForStale) {
  const int deaf = ListenDeaf();
  // Fills the queue; each look adds one connection while there is room.
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(absl::IsAlreadyExists(RemoveStaleSocket(path_)));
  EXPECT_TRUE(std::filesystem::is_socket(path_));
  ::close(deaf);
  EXPECT_TRUE(RemoveStaleSocket(path_).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Sockets, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "somebody's";
  EXPECT_TRUE(absl::IsAlreadyExists(RemoveStaleSocket(path_)));
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST(Denial, FindsTheFirstCallBehindTheSettings) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string settings("\0\0\6\4\0\0\0\0\0abcdef", 15);
  const std::string headers("\0\0\1\1\4\0\0\0\5x", 10);
  EXPECT_EQ(FirstStream(preface + settings + headers), 5u);
  EXPECT_EQ(FirstStream(preface + settings + headers.substr(0, 8)), 0u);
  EXPECT_EQ(FirstStream(preface.substr(0, 10)), 0u);
  EXPECT_EQ(FirstStream("GET / HTTP/1.1\r\n\r\n"), 0u);
  EXPECT_EQ(FirstStream(""), 0u);
}

}  // namespace
}  // namespace tentacle::rpc
