// Bar N6: the cache asks the backend it belongs to and nobody else, whatever an answer says.
#include <fmt/format.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/cache/cache_bench.h"
#include "tests/unit/cache/fake_origin.h"

namespace tentacle::cache::testing {
namespace {

using v1::IMAGE_STATE_CACHED;

// Ways to a server on this machine, to one behind the fence, and to what is no server.
std::vector<std::string> TrickyPlaces(const std::string& port) {
  std::vector<std::string> places;
  for (const char* host : {"127.0.0.1",
                           "localhost",
                           "LOCALHOST",
                           "localhost.",
                           "127.1",
                           "127.0.0.2",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.0.0.1",
                           "0177.0.0.1",
                           "017700000001",
                           "0",
                           "0.0.0.0",
                           "[::ffff:127.0.0.1]",
                           "[::ffff:7f00:1]",
                           "[::1]",
                           "[::]",
                           "backend@127.0.0.1",
                           "backend:80@127.0.0.1",
                           "127.0.0.1:1@127.0.0.1",
                           "127%2e0%2e0%2e1",
                           "\xe2\x91\xa0"
                           "27.0.0.1"})
    places.push_back(fmt::format("http://{}:{}", host, port));
  places.push_back(fmt::format("//127.0.0.1:{}", port));
  places.push_back(fmt::format("\\\\127.0.0.1:{}", port));
  places.push_back(fmt::format("HtTp:127.0.0.1:{}", port));
  for (const char* other :
       {"http://169.254.169.254", "http://[fd00:ec2::254]", "https://10.0.0.1", "file://",
        "file://localhost", "ftp://127.0.0.1", "gopher://127.0.0.1:70/_", "dict://127.0.0.1:11211",
        "unix:///run/tentacle/uplink.sock", "data:application/octet-stream,"})
    places.emplace_back(other);
  return places;
}

OriginReply To(const std::string& place, const std::string& id, const char* what) {
  OriginReply reply;
  reply.status = 302;
  reply.headers = {fmt::format("Location: {}/api/v1/tentacles/images/{}/{}", place, id, what)};
  return reply;
}

TEST(Redirects, LeadNowhere) {
  FakeOrigin origin;
  FakeOrigin other;
  CacheBench bench(origin);
  const std::string url = other.url();
  const auto places = TrickyPlaces(url.substr(url.rfind(':') + 1));
  ASSERT_GE(places.size(), 30u);
  const std::string bytes = Pattern(1, 50'000);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::string& place = places[i];
    const std::string id = fmt::format("img-{}", i);
    origin.PutChunked(id, bytes);
    other.PutChunked(id, Pattern(2, 50'000));
    const int metas = origin.metas();
    const int lists = origin.lists();
    const auto pulls = static_cast<int>(origin.pulls().size());
    origin.OnMeta([&, metas](const OriginRequest& request, OriginReply honest) {
      return request.number == metas + 1 ? To(place, id, "meta") : honest;
    });
    origin.OnChunks([&, lists](const OriginRequest& request, OriginReply honest) {
      return request.number == lists + 1 ? To(place, id, "chunks") : honest;
    });
    origin.OnPull([&, pulls](const OriginRequest& request, OriginReply honest) {
      return request.number == pulls + 1 ? To(place, id, "pull") : honest;
    });
    EXPECT_FALSE(bench.Pull(id).ok()) << place;
    ASSERT_TRUE(bench.Pull(id).ok()) << place;
    EXPECT_EQ(bench.AwaitRest(id).state(), IMAGE_STATE_CACHED) << place;
    EXPECT_TRUE(bench.Get(id).body == bytes) << place;
    EXPECT_EQ(static_cast<int>(origin.pulls().size()), pulls + 2) << place;
  }
  EXPECT_EQ(other.metas() + other.lists() + static_cast<int>(other.pulls().size()), 0);
}

}  // namespace
}  // namespace tentacle::cache::testing
