// The routes of port 9080 over a desk with everything around it, without a socket.
#pragma once

#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "services/pxe/boot_http.h"
#include "services/pxe/core/boot_kind.h"
#include "tests/unit/pxe/fake_world.h"

namespace tentacle::pxe {

inline constexpr char kClient[] = "192.168.10.101";

class BootHttpTest : public ::testing::Test {
 protected:
  BootHttpTest() {
    Restart();
    Push(1, {testing::Task("t1")});
  }

  void Restart() {
    world_.Start();
    const auto mac_of = [this](const std::string&) { return asker_; };
    http_ = std::make_unique<BootHttp>(world_.desk(), *world_.metrics, world_.temp.path() + "/boot",
                                       9080, mac_of);
  }

  std::vector<RefusedTask> Push(std::uint64_t revision, std::vector<task::v1::BootTask> tasks) {
    return world_.Await(world_.desk().Replace(revision, std::move(tasks)));
  }

  static net::HttpRequest Request(const std::string& method, const std::string& path) {
    net::HttpRequest request;
    request.method = method;
    request.path = path;
    request.remote_ip = kClient;
    request.local_ip = "192.168.10.2";
    return request;
  }

  net::HttpReply Ask(net::HttpRequest request) {
    return world_.Await(http_->Handle(std::move(request)));
  }

  net::HttpReply GetScript(const wire::MacAddress& mac = testing::kMac,
                           const std::string& method = "GET") {
    net::HttpRequest request = Request(method, "/boot.ipxe");
    request.query = {{"mac", mac.ToString()}};
    return Ask(std::move(request));
  }

  net::HttpRequest OrdersRequest(const std::string& token, const std::string& from = kClient) {
    net::HttpRequest request = Request("GET", "/orders");
    request.query = {{"token", token}};
    request.remote_ip = from;
    return request;
  }

  // What stands behind `key` in a script or in orders.
  static std::string After(const std::string& text, const std::string& key) {
    const std::size_t at = text.find(key);
    if (at == std::string::npos) return "";
    const std::size_t from = at + key.size();
    return text.substr(from, text.find_first_of(" \n", from) - from);
  }

  std::string ScriptToken() { return After(GetScript().body, "tentacle.token="); }

  net::HttpReply Post(const std::string& token, const std::string& body) {
    net::HttpRequest request = Request("POST", "/api/v1/provisioning/tasks/t1/events");
    request.headers = {{"Authorization", "Bearer " + token}};
    request.body = body;
    return Ask(std::move(request));
  }

  // Up to the orders; returns the callback token.
  std::string Install() { return After(Ask(OrdersRequest(ScriptToken())).body, "callback_token "); }

  std::string File(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(world_.temp.path() + "/tasks/" + name).rdbuf();
    return text.str();
  }

  // A task of another kind for the machine, in place of the first one.
  void PushKind(const std::string& os_type,
                const std::function<void(task::v1::BootTask*)>& change = nullptr) {
    task::v1::BootTask task = testing::Task("k1");
    task.set_os_type(os_type);
    if (change) change(&task);
    // What a restart finds in the file.
    std::string source = task.source_json();
    source.replace(source.find("linux-image"), std::string("linux-image").size(), os_type);
    task.set_source_json(source);
    const auto kind = *KindOf(os_type);
    for (const std::string& file : NeededFiles(kind, task))
      world_.PutBootFile(file);
    EXPECT_TRUE(Push(2, {task}).empty());
  }

  // The token of the answers in what the script says.
  std::string AnswerToken() {
    const std::string script = GetScript().body;
    const std::size_t at = script.find("/answers/");
    if (at == std::string::npos) return "";
    const std::size_t from = at + std::string("/answers/").size();
    return script.substr(from, script.find('/', from) - from);
  }

  net::HttpReply GetAnswer(const std::string& token,
                           const std::string& name,
                           const std::string& from = kClient) {
    net::HttpRequest request = Request("GET", "/answers/" + token + "/" + name);
    request.remote_ip = from;
    return Ask(std::move(request));
  }

  testing::World world_;
  std::optional<wire::MacAddress> asker_ = testing::kMac;
  std::unique_ptr<BootHttp> http_;
};

}  // namespace tentacle::pxe
