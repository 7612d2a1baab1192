#include "cli/cache_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tentacle::cli {
namespace {

using ::testing::HasSubstr;

TEST(CacheView, BytesAreReadable) {
  EXPECT_EQ(ByteText(0), "0 kB");
  EXPECT_EQ(ByteText(1), "1 kB");
  EXPECT_EQ(ByteText(16'500), "17 kB");
  EXPECT_EQ(ByteText(812'000'000), "812 MB");
  EXPECT_EQ(ByteText(4'500'000'000), "4.5 GB");
}

TEST(CacheView, ABarSaysHowFarHowFastAndHowLong) {
  EXPECT_EQ(ProgressBar(0, 4'500'000'000, 0), "[........................]   0 %  0 kB of 4.5 GB");
  EXPECT_EQ(ProgressBar(2'250'000'000, 4'500'000'000, 12'500'000),
            "[############............]  50 %  2.2 GB of 4.5 GB  100.0 Mbit/s  3 min left");
  // Not whole before the last byte, and no time left when it is.
  EXPECT_THAT(ProgressBar(4'499'999'999, 4'500'000'000, 0), HasSubstr(" 99 %"));
  EXPECT_EQ(ProgressBar(10, 10, 5), "[########################] 100 %  1 kB of 1 kB  0.0 Mbit/s");
  EXPECT_THAT(ProgressBar(0, 0, 0), HasSubstr("  0 %"));
  EXPECT_THAT(ProgressBar(20, 10, 0), HasSubstr("100 %"));
}

TEST(CacheView, TheTableTellsPinsNeedsAndReasons) {
  cache::v1::ListImagesResponse images;
  auto& image = *images.add_images();
  image.set_id("7");
  image.set_name("Debian\x1b[31m 12");
  image.set_state(cache::v1::IMAGE_STATE_FAILED);
  image.set_size_bytes(4'500'000'000);
  image.set_pinned(true);
  image.set_needed(true);
  image.set_reason("no room");
  image.mutable_last_used_at()->set_seconds(1'000'000);
  images.set_used_bytes(5'000'000'000);
  images.set_max_bytes(100'000'000'000);
  auto& checked = *images.add_images();
  checked.set_state(cache::v1::IMAGE_STATE_CACHED);
  checked.set_size_bytes(400);
  checked.set_checked_bytes(100);
  auto& pulled = *images.add_images();
  pulled.set_state(cache::v1::IMAGE_STATE_PULLING);
  pulled.set_size_bytes(400);
  pulled.set_present_bytes(300);
  const std::string table = ImageTable(images, absl::FromUnixSeconds(1'000'000 + 7200));
  EXPECT_THAT(table, HasSubstr("checking [######..................]  25 %"));
  EXPECT_THAT(table, HasSubstr("  [##################......]  75 %"));
  EXPECT_THAT(table, HasSubstr("failed"));
  EXPECT_THAT(table, HasSubstr("pinned, needed; no room"));
  EXPECT_THAT(table, HasSubstr("2 h ago"));
  EXPECT_THAT(table, HasSubstr("5.0 GB of 100.0 GB used"));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
}

TEST(CacheView, TheLedgerSaysWhatTheLineWasSpared) {
  cache::v1::GetLineResponse line;
  line.mutable_ledger()->set_backend_bytes(1'000'000'000);
  line.mutable_ledger()->set_peer_bytes(3'000'000'000);
  line.set_site("berlin");
  auto& peer = *line.add_peers();
  peer.mutable_peer()->set_name("Berlin 2");
  peer.set_reason("gave wrong bytes");
  std::string text = LineText(line);
  EXPECT_THAT(text, HasSubstr("not over the WAN       75 %"));
  EXPECT_THAT(text, HasSubstr("line not measured yet"));
  EXPECT_THAT(text, HasSubstr("no limit now"));
  EXPECT_THAT(text, HasSubstr("peer Berlin 2     not asked: gave wrong bytes"));
  line.set_limit_mbit(10);
  line.mutable_ledger()->set_throughput_mbit(93.5);
  text = LineText(line);
  EXPECT_THAT(text, HasSubstr("limited to        10.0 Mbit/s"));
  EXPECT_THAT(text, HasSubstr("line measured at  93.5 Mbit/s"));
}

}  // namespace
}  // namespace tentacle::cli
