// HTTP from strangers: octets of a connection to port 9080, as Beast reads them, through our
// conversion and the routes, over a desk with one task. Each whole request has one answer; a file
// is from the boot folder; the password of the task is in no answer but in one of its answer files.
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http.hpp>

#include "libs/net/http_convert.h"
#include "libs/net/http_head.h"
#include "libs/net/http_server.h"
#include "libs/runtime/check.h"
#include "services/pxe/boot_http.h"
#include "tests/unit/pxe/fake_world.h"

namespace {

namespace net = tentacle::net;
namespace pxe = tentacle::pxe;
namespace testing = tentacle::testing;
namespace http = boost::beast::http;

constexpr char kPassword[] = "Correct-Horse-7";
constexpr int kInputsOfAWorld = 2000;

// Everything that the routes stand on; a new one now and then, since requests move tasks.
class Branch {
 public:
  Branch() {
    world_.PutBootFile("ipxe.efi");
    tentacle::task::v1::BootTask task = testing::Task("t1");
    task.set_admin_password(kPassword);
    static_cast<void>(world_.Await(world_.desk().Replace(1, {task})));
    const auto mac_of = [](const std::string&) { return std::optional(testing::kMac); };
    boot_ = std::filesystem::canonical(world_.temp.path() + "/boot").string() + "/";
    http_ = std::make_unique<pxe::BootHttp>(world_.desk(), *world_.metrics, boot_, 9080, mac_of);
  }

  void Ask(net::HttpRequest request) {
    request.remote_ip = "192.168.10.101";
    request.local_ip = "192.168.10.2";
    const bool answer_file = request.path.starts_with("/answers/");
    const net::HttpReply reply = world_.Await(http_->Handle(request));
    TENTACLE_CHECK(reply.status >= 200 && reply.status < 600);
    TENTACLE_CHECK(answer_file || reply.body.find(kPassword) == std::string::npos);
    if (reply.file) CheckFile(*reply.file);
    const std::string head = net::ReplyHead(reply, request.method == "HEAD", true, absl::Now());
    TENTACLE_CHECK(head.find("\r\n\r\n") == head.size() - 4);  // One answer, and no more.
    world_.events.all.clear();
  }

 private:
  void CheckFile(const net::FileSpan& span) const {
    const std::string link = "/proc/self/fd/" + std::to_string(*span.fd);
    std::array<char, 4096> path{};
    const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
    TENTACLE_CHECK(size > 0);
    TENTACLE_CHECK(
        std::string_view(path.data(), static_cast<std::size_t>(size)).starts_with(boot_));
  }

  testing::World world_;
  std::string boot_;
  std::unique_ptr<pxe::BootHttp> http_;
};

Branch& TheBranch() {
  static std::unique_ptr<Branch> branch;
  static int inputs = 0;
  if (inputs++ % kInputsOfAWorld == 0) branch = std::make_unique<Branch>();
  return *branch;
}

// As HttpServer does it. False: the connection ends here.
bool Exchange(std::string_view* octets, const net::HttpLimits& limits, Branch& branch) {
  static boost::asio::io_context io;
  http::request_parser<http::string_body> parser;
  parser.header_limit(limits.header_bytes);
  parser.body_limit(limits.body_bytes);
  parser.eager(true);
  while (!parser.is_done()) {
    boost::system::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(octets->data(), octets->size()), error);
    octets->remove_prefix(used);
    if (error || used == 0) return false;
  }
  auto message = parser.release();
  const bool keep_alive = message.keep_alive();
  if (message.target().size() > limits.target_bytes) return false;
  auto request = net::Convert(message, boost::asio::ip::tcp::socket(io));
  if (!request) return false;
  TENTACLE_CHECK(!request->path.empty());
  TENTACLE_CHECK(request->body.size() <= limits.body_bytes);
  TENTACLE_CHECK(request->body.empty() || (request->method != "GET" && request->method != "HEAD"));
  branch.Ask(*std::move(request));
  return keep_alive;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const net::HttpLimits limits;
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  while (!octets.empty() && Exchange(&octets, limits, TheBranch())) {
  }
  return 0;
}
