// A machine as port 9080 sees it, from its first script to its new system.
#pragma once

#include <tentacle/task/v1/task.pb.h>

#include <string>
#include <vector>

#include "libs/net/http_types.h"
#include "services/pxe/core/boot_table.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::testing {

// With "failed" where it fails if it does.
inline std::vector<std::string> StepsOf(const std::string& os_type) {
  const std::string first = os_type == "linux-image" ? "orders" : "preseed.cfg";
  return {"script",   first,    "booted",      "downloading", "partitioning",
          "applying", "failed", "configuring", "firstboot",   "done"};
}

inline task::v1::BootTask TaskOf(const std::string& os_type, const std::string& id) {
  task::v1::BootTask task = Task(id);
  const std::string usual = task.os_type();
  task.set_os_type(os_type);
  std::string source = task.source_json();
  source.replace(source.find(usual), usual.size(), os_type);
  task.set_source_json(source);
  return task;
}

struct PlayedTokens {
  std::string boot;
  std::string answers;
  std::string callback;
};

inline PlayedTokens TokensOf(const pxe::BootTable& table, const pxe::TrackedTask& task) {
  return {table.BootToken(task), table.AnswerToken(task), table.CallbackToken(task)};
}

// Of the machine with kMac and the task t1.
inline net::HttpRequest RequestOf(const std::string& step, const PlayedTokens& tokens) {
  net::HttpRequest request;
  request.method = "GET";
  request.remote_ip = "192.168.10.101";
  request.local_ip = "192.168.10.2";
  if (step == "script") {
    request.path = "/boot.ipxe";
    request.query = {{"mac", kMac.ToString()}};
  } else if (step == "orders") {
    request.path = "/orders";
    request.query = {{"token", tokens.boot}};
  } else if (step == "preseed.cfg") {
    request.path = "/answers/" + tokens.answers + "/" + step;
  } else {
    request.method = "POST";
    request.path = "/api/v1/provisioning/tasks/t1/events";
    request.headers = {{"Authorization", "Bearer " + tokens.callback}};
    request.body = "{\"event\":\"" + step + "\"}";
  }
  return request;
}

// Not of a script that sends it to its disk, or has it wait.
inline bool Boots(const net::HttpReply& script) {
  return script.body.find("tentacle.token=") != std::string::npos ||
         script.body.find("/answers/") != std::string::npos;
}

}  // namespace tentacle::testing
