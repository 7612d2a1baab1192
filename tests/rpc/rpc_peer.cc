// The two ends of a service's socket, as users that the tests choose.
//
//   rpc_peer serve SOCKET UID GID GROUP   serves grpc.health.v1 as that user until it is killed;
//   GROUP
//                                         is the group of PeerPolicy, 0 for none. Prints "serving"
//                                         or why not (exit code 1).
//   rpc_peer call UID GID GROUP SOCKET... asks each socket for its health as that user, with GROUP
//                                         as its supplementary group; prints one status code each.
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "libs/rpc/call.h"
#include "libs/rpc/server.h"
#include "tests/rpc/raw_health.h"

namespace {

using tentacle::testing::CheckHealth;

unsigned ToId(const std::string& text) {
  return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, 10));
}

// For good, with no group but these.
bool Become(unsigned uid, unsigned gid, unsigned group) {
  const gid_t groups[] = {group};
  if (uid == 0 && gid == 0) return true;
  return ::setgroups(group == 0 ? 0 : 1, groups) == 0 && ::setgid(gid) == 0 && ::setuid(uid) == 0;
}

void Say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

int Serve(const std::vector<std::string>& args) {
  if (args.size() != 4 || !Become(ToId(args[1]), ToId(args[2]), 0)) return 64;
  boost::asio::io_context io{1};
  const auto work = boost::asio::make_work_guard(io);
  tentacle::rpc::PeerPolicy policy;
  if (ToId(args[3]) != 0) policy.group_ids.push_back(ToId(args[3]));
  tentacle::rpc::Server server(io.get_executor(), policy);
  const absl::Status status = server.Start(args[0]);
  if (!status.ok()) {
    Say(std::string(status.message()));
    return 1;
  }
  // Here the check of the peer decides, not the mode of the file.
  ::chmod(args[0].c_str(), 0666);
  server.SetServing(true);
  Say("serving");
  io.run();
  return 0;
}

int Call(const std::vector<std::string>& args) {
  if (args.size() < 4 || !Become(ToId(args[0]), ToId(args[1]), ToId(args[2]))) return 64;
  for (std::size_t i = 3; i < args.size(); ++i) {
    const auto channel = tentacle::rpc::Dial(args[i]);
    const grpc::Status status = CheckHealth(channel, std::chrono::seconds(20));
    Say(std::to_string(status.error_code()) + " " + status.error_message());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  ::signal(SIGPIPE, SIG_IGN);
  if (args.empty()) return 64;
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (args[0] == "serve") return Serve(rest);
  if (args[0] == "call") return Call(rest);
  return 64;
}
