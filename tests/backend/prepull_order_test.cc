#include "backend/core/prepull_order.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/core/image_link.h"

namespace tentacle::backend {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

absl::Time Utc(const char* text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_sec, text, &time, &error)) << error;
  return time;
}

const absl::Time kMonday = absl::FromUnixSeconds(1'795'435'200);  // 2026-11-23T12:00:00Z

absl::StatusOr<PrepullOrder> Read(const char* text) {
  return ReadPrepullOrder(json::parse(text).as_object(), kMonday);
}

std::string WhyNot(const char* text) {
  const auto order = Read(text);
  return order.ok() ? "" : std::string(order.status().message());
}

TEST(PrepullOrder, IsThereByTuesdayAtSeven) {
  const auto order =
      Read(R"({"imageId":"7","site":"berlin","deadline":"Tue 07:00","timeZone":"Europe/Berlin",
                              "windows":["daily 22:00-06:00"],"notBefore":"2026-11-23T20:00:00Z"})");
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_EQ(order->image_id, 7);
  EXPECT_EQ(order->deadline, Utc("2026-11-24T06:00:00Z"));
  EXPECT_EQ(order->not_before, Utc("2026-11-23T20:00:00Z"));
  EXPECT_EQ(
      json::serialize(PrepullMessage(*order, 12)),
      R"({"imageId":"7","scheduleId":"12","timeZone":"Europe/Berlin","windows":["daily 22:00-06:00"],)"
      R"("notBefore":"2026-11-23T20:00:00+00:00","deadline":"2026-11-24T06:00:00+00:00"})");
}

TEST(PrepullOrder, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(WhyNot(R"({"site":"a"})"), HasSubstr("imageId"));
  EXPECT_THAT(WhyNot(R"({"imageId":7})"), HasSubstr("tentacleIds"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"site":"a","tentacleIds":["1"]})"), HasSubstr("either"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"tentacleIds":["x"]})"), HasSubstr("tentacleIds"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"tentacleIds":{}})"), HasSubstr("tentacleIds"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"site":"a","timeZone":"Mars/Base"})"), HasSubstr("timeZone"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"site":"a","windows":["always"]})"), HasSubstr("windows"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"site":"a","windows":[4]})"), HasSubstr("windows"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"site":"a","deadline":"soon"})"), HasSubstr("deadline"));
  EXPECT_THAT(WhyNot(R"({"imageId":7,"site":"a","deadline":"2026-11-23T11:00:00Z"})"),
              HasSubstr("over already"));
  EXPECT_THAT(
      WhyNot(
          R"({"imageId":7,"site":"a","deadline":"2026-11-24T11:00:00Z","notBefore":"2026-11-25T11:00:00Z"})"),
      HasSubstr("notBefore"));
  EXPECT_THAT(WhyNot(R"({"imageId":99999999999,"site":"a"})"), HasSubstr("imageId"));
}

TEST(PrepullOrder, TheForecastKnowsTheTentaclesCalendar) {
  const auto order = Read(R"({"imageId":7,"site":"a","deadline":"2026-11-23T14:00:00Z"})");
  ASSERT_TRUE(order.ok());
  PrepullTarget target;
  target.missing_bytes = 4'500'000'000;
  target.throughput_mbit = 10;  // An hour.
  EXPECT_EQ(ForecastFor(*order, target, kMonday).done, kMonday + absl::Hours(1));
  target.config_json = R"({"cache":{"wan_limit_mbit":5}})";
  EXPECT_EQ(ForecastFor(*order, target, kMonday).done, kMonday + absl::Hours(2));
  target.config_json =
      R"({"cache":{"wan_calendar":["Mon 00:00-24:00 2.5"],"time_zone":"Europe/Berlin"}})";
  const auto late = ForecastFor(*order, target, kMonday);
  EXPECT_EQ(late.feasibility, schedule::Feasibility::kLate);
  EXPECT_THAT(late.sentence, HasSubstr("not feasible by Mon 23 Nov 14:00: 50 % would be there"));
  target.throughput_mbit = 0;
  EXPECT_EQ(ForecastFor(*order, target, kMonday).feasibility, schedule::Feasibility::kUnknown);
}

TEST(ImageLink, HoldsForItsImageItsTentacleAndItsTime) {
  const ImageLink link{7, 3, kMonday + absl::Hours(6)};
  const std::string path = LinkPath(link, "secret");
  EXPECT_THAT(path, HasSubstr("/api/v1/images/7/content?node=3&expires=1795456800&signature="));
  const std::string signature = path.substr(path.rfind('=') + 1);
  EXPECT_TRUE(CheckLink(link, signature, "secret", kMonday).ok());
  EXPECT_TRUE(CheckLink(link, signature, "secret", link.expires - absl::Seconds(1)).ok());
  EXPECT_THAT(std::string(CheckLink(link, signature, "secret", link.expires).message()),
              HasSubstr("expired"));
  for (const ImageLink& other : {ImageLink{8, 3, link.expires}, ImageLink{7, 4, link.expires},
                                 ImageLink{7, 3, link.expires + absl::Seconds(1)}}) {
    EXPECT_TRUE(absl::IsUnauthenticated(CheckLink(other, signature, "secret", kMonday)));
  }
  EXPECT_FALSE(CheckLink(link, signature, "other", kMonday).ok());
  EXPECT_FALSE(CheckLink(link, "", "secret", kMonday).ok());
  EXPECT_FALSE(CheckLink(link, signature.substr(1), "secret", kMonday).ok());
}

}  // namespace
}  // namespace tentacle::backend
