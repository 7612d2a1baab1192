#include "cli/cache.h"

#include <fmt/format.h>
#include <tentacle/cache/v1/cache_service.grpc.pb.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <thread>

#include <absl/time/clock.h>

#include "cli/cache_view.h"
#include "cli/commands.h"
#include "cli/service_client.h"

namespace tentacle::cli {

namespace {

using cache::v1::CacheService;
using cache::v1::Image;
using cache::v1::ImageState;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;
constexpr int kExitUnavailable = 69;
// How often a bar moves, and how often lines come where there is no terminal.
constexpr auto kBarInterval = std::chrono::milliseconds(500);
constexpr auto kLineInterval = std::chrono::seconds(10);

int ExitCode(const grpc::Status& status) {
  if (status.ok()) return 0;
  std::cerr << fmt::format("octofleet-tentacle cache: {}\n", status.error_message());
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ? kExitUnavailable : kExitFailed;
}

class Client : public ServiceClient<CacheService> {
 public:
  Client() : ServiceClient("cache") {}
};

bool IsMoving(ImageState state) {
  return state == cache::v1::IMAGE_STATE_PULLING || state == cache::v1::IMAGE_STATE_VERIFYING;
}

// One line of a terminal that moves; elsewhere a line now and then.
class Bar {
 public:
  explicit Bar(std::string id) : id_(std::move(id)) {}

  // `last`: nothing moves after it.
  void Show(std::string_view word, std::uint64_t done, std::uint64_t size, bool last) {
    const auto now = Clock::now();
    if (!terminal_ && !last && shown_ && now - shown_at_ < kLineInterval) return;
    const double seconds = std::chrono::duration<double>(now - shown_at_).count();
    const double gained = done > done_ ? static_cast<double>(done - done_) : 0;
    const double rate = shown_ && !last && word == word_ ? gained / seconds : 0;
    std::cout << fmt::format("{}{} {:<9} {}{}", terminal_ ? "\r\x1b[K" : "", id_, word,
                             ProgressBar(done, size, rate), terminal_ && !last ? "" : "\n")
              << std::flush;
    shown_ = true;
    shown_at_ = now;
    done_ = done;
    word_ = word;
  }

 private:
  using Clock = std::chrono::steady_clock;

  const std::string id_;
  const bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  bool shown_ = false;
  Clock::time_point shown_at_;
  std::uint64_t done_ = 0;
  std::string word_;
};

grpc::Status Get(Client& client, const std::string& id, Image* image) {
  cache::v1::GetImageRequest request;
  request.set_image_id(id);
  cache::v1::GetImageResponse response;
  grpc::Status status = client.Ask(&CacheService::StubInterface::GetImage, request, &response);
  if (status.ok()) *image = std::move(*response.mutable_image());
  return status;
}

// Shows a bar until the image rests. 0: it is whole.
int Follow(Client& client, const std::string& id, Bar& bar) {
  for (;;) {
    Image image;
    const grpc::Status status = Get(client, id, &image);
    if (!status.ok()) return ExitCode(status);
    const bool moving = IsMoving(image.state());
    bar.Show(StateText(image.state()), image.present_bytes(), image.size_bytes(), !moving);
    if (!moving) {
      if (image.state() == cache::v1::IMAGE_STATE_CACHED) return 0;
      std::cerr << fmt::format("octofleet-tentacle cache: {}\n",
                               image.reason().empty() ? "the image is not here" : image.reason());
      return kExitFailed;
    }
    std::this_thread::sleep_for(kBarInterval);
  }
}

int List(Client& client) {
  cache::v1::ListImagesResponse images;
  grpc::Status status =
      client.Ask(&CacheService::StubInterface::ListImages, cache::v1::ListImagesRequest(), &images);
  if (!status.ok()) return ExitCode(status);
  std::cout << ImageTable(images, absl::Now());
  cache::v1::ListPrepullsResponse prepulls;
  status = client.Ask(&CacheService::StubInterface::ListPrepulls, cache::v1::ListPrepullsRequest(),
                      &prepulls);
  if (!status.ok()) return ExitCode(status);
  if (prepulls.prepulls_size() > 0) std::cout << "\n" << PrepullTable(prepulls);
  return 0;
}

int Line(Client& client) {
  cache::v1::GetLineResponse line;
  const grpc::Status status =
      client.Ask(&CacheService::StubInterface::GetLine, cache::v1::GetLineRequest(), &line);
  if (!status.ok()) return ExitCode(status);
  std::cout << LineText(line);
  return 0;
}

template <class Request, class Response>
int ForImage(Client& client,
             grpc::Status (CacheService::StubInterface::*method)(grpc::ClientContext*,
                                                                 const Request&,
                                                                 Response*),
             const std::string& id,
             std::function<std::string(const Response&)> words) {
  Request request;
  request.set_image_id(id);
  Response response;
  const grpc::Status status = client.Ask(method, request, &response);
  if (status.ok()) std::cout << words(response);
  return ExitCode(status);
}

int Pull(Client& client, const std::string& id, bool wait) {
  const int code = ForImage<cache::v1::PullImageRequest, cache::v1::PullImageResponse>(
      client, &CacheService::StubInterface::PullImage, id,
      [](const auto&) { return std::string(); });
  if (code != 0 || !wait) return code;
  Bar bar(id);
  return Follow(client, id, bar);
}

bool IsLater(const google::protobuf::Timestamp& time, const google::protobuf::Timestamp& than) {
  return time.seconds() != than.seconds() || time.nanos() != than.nanos();
}

// The image stays in use while it is read: a newer time says that it was right, and when it was
// not it is being mended.
int Verify(Client& client, const std::string& id, bool wait) {
  cache::v1::VerifyImageRequest request;
  request.set_image_id(id);
  cache::v1::VerifyImageResponse begun;
  grpc::Status status = client.Ask(&CacheService::StubInterface::VerifyImage, request, &begun);
  if (!status.ok() || !wait) return ExitCode(status);
  const Image& before = begun.image();
  Bar bar(id);
  for (;;) {
    Image image;
    status = Get(client, id, &image);
    if (!status.ok()) return ExitCode(status);
    const bool rests = image.state() == cache::v1::IMAGE_STATE_CACHED;
    // Cached anew: what was wrong has been fetched between two looks.
    const bool damaged = !rests || IsLater(image.cached_at(), before.cached_at());
    if (damaged) {
      const int code = Follow(client, id, bar);
      if (code == 0) std::cout << fmt::format("{} was damaged and is whole again\n", id);
      return code;
    }
    const bool right = IsLater(image.verified_at(), before.verified_at());
    bar.Show("checking", right ? image.size_bytes() : image.checked_bytes(), image.size_bytes(),
             right);
    if (right) return 0;
    std::this_thread::sleep_for(kBarInterval);
  }
}

int Pin(Client& client, const std::string& id) {
  return ForImage<cache::v1::PinImageRequest, cache::v1::PinImageResponse>(
      client, &CacheService::StubInterface::PinImage, id, [&](const auto&) {
        return fmt::format("{} is pinned: it is never evicted to make room\n", id);
      });
}

int Unpin(Client& client, const std::string& id) {
  return ForImage<cache::v1::UnpinImageRequest, cache::v1::UnpinImageResponse>(
      client, &CacheService::StubInterface::UnpinImage, id,
      [&](const auto&) { return fmt::format("{} is no longer pinned\n", id); });
}

int Cancel(Client& client, const std::string& id) {
  return ForImage<cache::v1::CancelPullRequest, cache::v1::CancelPullResponse>(
      client, &CacheService::StubInterface::CancelPull, id, [&](const auto& response) {
        return fmt::format("{} is not pulled any more; {} of {} stay\n", id,
                           ByteText(response.image().present_bytes()),
                           ByteText(response.image().size_bytes()));
      });
}

int Remove(Client& client, const std::string& id) {
  return ForImage<cache::v1::EvictImageRequest, cache::v1::EvictImageResponse>(
      client, &CacheService::StubInterface::EvictImage, id, [](const auto& response) {
        return fmt::format("{} freed\n", ByteText(response.freed_bytes()));
      });
}

}  // namespace

int Cache(const std::vector<std::string>& args) {
  std::string id;
  bool no_wait = false;
  CLI::App app{"The images of this tentacle"};
  app.name("octofleet-tentacle cache");
  app.require_subcommand(1);
  const auto* list = app.add_subcommand("ls", "What is here, what is on its way, what is planned");
  const auto* line =
      app.add_subcommand("line", "What came over which line, the limit in force, and the peers");
  const auto verb = [&](const char* name, const char* about, bool waits) {
    CLI::App* added = app.add_subcommand(name, about);
    added->add_option("image", id, "Its id")->required();
    if (waits) added->add_flag("--no-wait", no_wait, "Do not wait for the end");
    return added;
  };
  const auto* pull = verb("pull", "Fetch an image, with a progress bar", true);
  const auto* cancel = verb("cancel", "Break its pull off; what is here already stays", false);
  const auto* pin = verb("pin", "Never evict it to make room", false);
  const auto* unpin = verb("unpin", "It may be evicted again", false);
  const auto* remove = verb("rm", "Remove it from the disk", false);
  const auto* verify =
      verb("verify", "Read it from the disk and compare its hashes; what is wrong is fetched again",
           true);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kExitUsage;
  }
  Client client;
  if (list->parsed()) return List(client);
  if (line->parsed()) return Line(client);
  if (pull->parsed()) return Pull(client, id, !no_wait);
  if (cancel->parsed()) return Cancel(client, id);
  if (pin->parsed()) return Pin(client, id);
  if (unpin->parsed()) return Unpin(client, id);
  if (remove->parsed()) return Remove(client, id);
  if (verify->parsed()) return Verify(client, id, !no_wait);
  return kExitUsage;
}

}  // namespace tentacle::cli
