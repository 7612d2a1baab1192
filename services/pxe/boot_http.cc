#include "services/pxe/boot_http.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "libs/text/view.h"
#include "services/pxe/core/autoexec_script.h"
#include "services/pxe/core/boot_files.h"
#include "services/pxe/core/loader_loops.h"
#include "services/pxe/limits.h"

namespace tentacle::pxe {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::string_view kFilePrefix = "/boot/";
constexpr std::string_view kAnswerPrefix = "/answers/";
constexpr std::string_view kTaskPrefix = "/api/v1/provisioning/tasks/";
constexpr std::string_view kTaskSuffix = "/events";
constexpr std::string_view kBearer = "Bearer ";

std::string Text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// {"event", "message"?, "progress"?, "error"?}
absl::StatusOr<Report> ParseReport(const std::string& body) {
  if (body.size() > limits::kMaxCallbackBytes)
    return absl::InvalidArgumentError("the report is too long");
  boost::system::error_code error;
  const json::value value = json::parse(body, error);
  if (error || !value.is_object())
    return absl::InvalidArgumentError("the report is not a JSON object");
  const json::object& object = value.as_object();
  Report report;
  report.event = Text(object, "event");
  report.message = Text(object, "message");
  report.error = Text(object, "error");
  const auto* progress = object.if_contains("progress");
  if (progress != nullptr && progress->is_int64() && progress->as_int64() >= 0) {
    report.percent = static_cast<unsigned>(std::min<std::int64_t>(progress->as_int64(), 100));
  }
  return report;
}

unsigned StatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kInvalidArgument:
      return 422;
    case absl::StatusCode::kFailedPrecondition:
      return 409;
    default:
      return 503;
  }
}

net::HttpReply Retry(unsigned status, std::string_view detail) {
  net::HttpReply reply = net::ProblemReply(status, detail);
  if (status == 503) reply.headers.emplace_back("Retry-After", "5");
  return reply;
}

bool IsRead(const net::HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

asio::awaitable<net::HttpReply> BootHttp::Handle(net::HttpRequest request) {
  std::string_view route = "other";
  net::HttpReply reply;
  if (request.path == "/boot.ipxe") {
    route = "script";
    reply = net::ProblemReply(405, "GET or HEAD only");
    if (IsRead(request)) reply = co_await Script(request, false);
  } else if (request.path == "/grub.cfg") {
    route = "grub";
    reply = net::ProblemReply(405, "GET or HEAD only");
    if (IsRead(request)) reply = co_await Script(request, true);
  } else if (request.path.starts_with(kAnswerPrefix)) {
    route = "answer";
    reply = net::ProblemReply(405, "GET only");
    if (request.method == "GET") reply = co_await Answer(request);
  } else if (request.path.starts_with(kFilePrefix)) {
    route = "file";
    reply = IsRead(request) ? File(request) : net::ProblemReply(405, "GET or HEAD only");
  } else if (request.path == "/orders") {
    route = "orders";
    // HEAD would use up the token without showing the orders. No co_await within ?: here and below:
    // g++ 12 destroys the arguments twice.
    reply = net::ProblemReply(405, "GET only");
    if (request.method == "GET") reply = co_await Orders(request);
  } else if (request.path.starts_with(kTaskPrefix) && request.path.ends_with(kTaskSuffix) &&
             request.path.size() > kTaskPrefix.size() + kTaskSuffix.size()) {
    route = "callback";
    const std::string id = request.path.substr(
        kTaskPrefix.size(), request.path.size() - kTaskPrefix.size() - kTaskSuffix.size());
    reply = net::ProblemReply(405, "POST only");
    if (request.method == "POST") reply = co_await Callback(request, id);
  } else {
    reply = net::ProblemReply(404, "there is nothing here");
  }
  metrics_.HttpReplied(route, reply.status);
  co_return reply;
}

BootCall BootHttp::CallOf(const net::HttpRequest& request) const {
  return {{request.remote_ip, mac_of_(request.remote_ip)}, request.local_ip, port_};
}

asio::awaitable<net::HttpReply> BootHttp::Script(net::HttpRequest request, bool grub) {
  const auto mac = wire::ParseMac(request.Query("mac").value_or(""));
  if (!mac.ok()) co_return net::ProblemReply(400, "want ?mac=52:54:00:65:d5:42");
  ScriptRequest wanted;
  wanted.mac = *mac;
  wanted.call = CallOf(request);
  // A person who looks at the script must not make a machine at work start over. Behind a router
  // there is no telling.
  const auto& asker = wanted.call.asker.mac;
  wanted.boots = request.method == "GET" && (!asker || *asker == *mac);
  wanted.identity =
      CleanIdentity(request.Query("uuid").value_or(""), request.Query("serial").value_or(""));
  std::optional<std::string> script;
  if (grub) {
    script = co_await desk_.GrubScript(std::move(wanted));
  } else {
    script = co_await desk_.Script(std::move(wanted));
  }
  if (!script) co_return net::ProblemReply(404, "no open task for this machine");
  net::HttpReply reply = net::TextReply(200, *std::move(script));
  reply.headers.emplace_back("Cache-Control", "no-store");
  co_return reply;
}

// "/answers/<token>/<name>". The same answer for whatever is wrong with the token or the name.
asio::awaitable<net::HttpReply> BootHttp::Answer(net::HttpRequest request) {
  const std::string rest = request.path.substr(kAnswerPrefix.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string name = slash < rest.size() ? rest.substr(slash + 1) : "";
  BootCall call = CallOf(request);
  auto answer = co_await desk_.Answer(rest.substr(0, slash), name, std::move(call));
  if (const auto* refusal = std::get_if<Refusal>(&answer))
    co_return Retry(refusal->status, refusal->detail);
  auto& file = std::get<AnswerReply>(answer);
  net::HttpReply reply = net::TextReply(200, std::move(file.body), std::move(file.content_type));
  reply.headers.emplace_back("Cache-Control", "no-store");
  co_return reply;
}

// An iPXE that was itself loaded over HTTP asks for it beside itself.
net::HttpReply BootHttp::Autoexec(const net::HttpRequest& request) {
  const auto mac = mac_of_(request.remote_ip);
  if (!mac || desk_.Admit(*mac)) return net::ProblemReply(404, "no open task for this machine");
  return net::TextReply(
      200, AutoexecScript("http://" + request.local_ip + ":" + std::to_string(port_), *mac));
}

net::HttpReply BootHttp::File(const net::HttpRequest& request) {
  const auto safe = SafeBootPath(std::string_view(request.path).substr(kFilePrefix.size()));
  if (!safe) return net::ProblemReply(404, "not a name of a boot file");
  if (BaseName(*safe) == kAutoexecName) return Autoexec(request);
  auto span = net::OpenFileSpanBelow(boot_dir_, *safe);
  if (!span.ok()) return net::ProblemReply(404, "no such boot file");
  net::HttpReply reply;
  reply.headers = {{"Content-Type", "application/octet-stream"}, {"Accept-Ranges", "bytes"}};
  net::ByteRange range;
  const std::uint64_t size = span->length;
  // Without validators of ours an If-Range holds for nothing (RFC 9110 section 13.1.5): the whole
  // file.
  const std::string_view wanted =
      request.Header("If-Range").empty() ? request.Header("Range") : std::string_view();
  const net::RangeVerdict verdict = net::ParseRange(wanted, size, &range);
  if (verdict == net::RangeVerdict::kUnsatisfiable) {
    reply = net::ProblemReply(416, "the range is behind the end of the file");
    reply.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return reply;
  }
  if (verdict == net::RangeVerdict::kPart) {
    reply.status = 206;
    reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                                    std::to_string(range.first + range.length - 1) +
                                                    "/" + std::to_string(size));
    span->offset = range.first;
    span->length = range.length;
  }
  reply.file = *std::move(span);
  // Firmware asks with HEAD how long it is, and then for it; ranges are no firmware's.
  if (request.method == "GET" && reply.status == 200 && IsIpxeLoader(*safe)) {
    if (const auto mac = mac_of_(request.remote_ip)) desk_.LoaderAskedFor(*mac, *safe);
  }
  return reply;
}

asio::awaitable<net::HttpReply> BootHttp::Orders(net::HttpRequest request) {
  const std::string token = request.Query("token").value_or("");
  BootCall call = CallOf(request);
  auto orders = co_await desk_.Orders(token, std::move(call));
  if (const auto* refusal = std::get_if<Refusal>(&orders))
    co_return Retry(refusal->status, refusal->detail);
  net::HttpReply reply = net::TextReply(200, std::get<std::string>(std::move(orders)));
  reply.headers.emplace_back("Cache-Control", "no-store");
  co_return reply;
}

asio::awaitable<net::HttpReply> BootHttp::Callback(net::HttpRequest request, std::string task_id) {
  auto report = ParseReport(request.body);
  if (!report.ok()) {
    metrics_.Callback("malformed");
    co_return net::ProblemReply(400, text::Message(report.status()));
  }
  std::string_view token = request.Header("Authorization");
  if (token.starts_with(kBearer)) token.remove_prefix(kBearer.size());
  const absl::Status status =
      co_await desk_.Report(std::move(task_id), std::string(token), *std::move(report));
  if (!status.ok()) co_return Retry(StatusOf(status), text::Message(status));
  net::HttpReply reply;
  reply.status = 204;
  co_return reply;
}

}  // namespace tentacle::pxe
