#include "services/agent/host_tool.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "services/agent/child_process.h"

namespace tentacle::agent {

namespace asio = boost::asio;

namespace {

struct FirstBytes {
  std::string text;
  std::weak_ptr<ChildProcess> process;
};

}  // namespace

asio::awaitable<absl::StatusOr<std::string>> RunHostTool(asio::any_io_executor home,
                                                         asio::thread_pool& blocking,
                                                         HostTool tool) {
  const std::string path = tool.argv.front();
  const std::string name = path.substr(path.rfind('/') + 1);
  ProcessSpec spec;
  spec.argv = std::move(tool.argv);
  spec.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "SYSTEMD_COLORS=0"};
  spec.kept_output_bytes = tool.max_bytes;
  spec.host = std::move(tool.host);
  const auto first = std::make_shared<FirstBytes>();
  if (tool.first_bytes_only) {
    spec.on_output = [first, max = tool.max_bytes](OutputStream stream, std::string_view bytes) {
      if (stream != OutputStream::kOut) return;
      first->text += bytes.substr(0, max - std::min(max, first->text.size()));
      if (const auto child = first->process.lock(); first->text.size() >= max && child)
        child->Cancel();
    };
  }
  const auto process = co_await ChildProcess::Start(home, blocking, std::move(spec));
  if (!process.ok()) co_return process.status();
  first->process = *process;
  const ProcessEnd end = co_await (*process)->Wait(tool.timeout);
  if (tool.first_bytes_only && first->text.size() >= tool.max_bytes) {
    first->text.resize(first->text.rfind('\n') + 1);
    co_return std::move(first->text);
  }
  if (end.cause != ProcessEnd::Cause::kByItself)
    co_return absl::DeadlineExceededError(fmt::format("{} hangs", name));
  if (end.signal != 0 || (end.exit_code & ~tool.allowed_exit_bits) != 0) {
    co_return absl::InternalError(fmt::format("{} failed with exit code {}", name, end.exit_code));
  }
  const auto& output = (*process)->standard_output();
  if (output.total_bytes() > tool.max_bytes) {
    co_return absl::ResourceExhaustedError(
        fmt::format("{} prints more than {} bytes", name, tool.max_bytes));
  }
  co_return std::string(output.Raw());
}

}  // namespace tentacle::agent
