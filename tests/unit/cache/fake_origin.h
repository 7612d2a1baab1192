// A backend's image endpoints on loopback, honest until a script says otherwise: it cuts, lies,
// stalls and redirects.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tentacle::cache::testing {

// No two stretches of it are alike, and none is found in the pattern of another seed: a mixture
// never passes for the whole.
std::string Pattern(std::uint64_t seed, std::size_t size);

struct OriginRequest {
  std::string path;
  std::string range;
  std::string if_range;
  std::string authorization;
  int number = 0;  // From 1, among the questions of its kind (meta, pull or chunks).
};

struct OriginReply {
  unsigned status = 200;
  std::vector<std::string> headers;  // Whole lines without their end.
  std::string body;
  std::optional<std::uint64_t> stated_length;  // Content-Length, when it is not the body's.
  bool states_length = true;                   // Else the body ends with the line.
  std::optional<std::size_t> cut_after;        // So many bytes of the body, then the line is cut.
  std::optional<std::size_t> hold_at;          // So many bytes, then nothing until Release().
  bool hold_head = false;                      // Not even a status line until Release().
};

// Thread safe; every connection has a thread of its own and carries one exchange.
class FakeOrigin {
 public:
  // What the script returns is sent; `honest` is what a good backend would send.
  using Script = std::function<OriginReply(const OriginRequest& request, OriginReply honest)>;

  FakeOrigin();
  ~FakeOrigin();
  FakeOrigin(const FakeOrigin&) = delete;
  FakeOrigin& operator=(const FakeOrigin&) = delete;

  std::string url() const;
  // The image from now on; announced with its true size and hash.
  void Put(const std::string& id, std::string bytes);
  // And gives its chunk list.
  void PutChunked(const std::string& id, std::string bytes);
  // From now on it gives stretches of images packed, too.
  void PackBytes();
  void OnMeta(Script script);
  void OnPull(Script script);
  void OnChunks(Script script);

  // Blocks until so many replies have reached their hold.
  void AwaitHeld(int count = 1);
  // Opens every hold, also those still to come.
  void Release();

  int metas() const;
  int lists() const;  // Questions for chunk lists.
  std::size_t ListBytes(const std::string& id) const;
  std::uint64_t sent() const;  // Bytes of pulls' bodies.
  std::vector<OriginRequest> pulls() const;

 private:
  struct Image {
    std::string bytes;
    std::uint64_t size = 0;
    std::string sha256;
    std::string list;  // Encoded; empty: this backend gives none.
  };

  void Accept();
  void Serve(int fd);
  OriginReply Answer(OriginRequest request);
  OriginReply HonestMeta(const std::string& id) const;
  OriginReply HonestBytes(const std::string& id, const std::string& what) const;
  OriginReply HonestList(const std::string& id) const;
  OriginReply HonestPull(const std::string& id, const OriginRequest& request) const;
  void Send(int fd, const OriginReply& reply, bool is_pull);
  bool Hold();

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Image> images_;
  Script on_meta_;
  Script on_pull_;
  Script on_chunks_;
  int metas_ = 0;
  int lists_ = 0;
  bool packs_ = false;
  std::uint64_t sent_ = 0;
  std::vector<OriginRequest> pulls_;
  int held_ = 0;
  bool released_ = false;
  bool closing_ = false;
  std::set<int> open_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace tentacle::cache::testing
