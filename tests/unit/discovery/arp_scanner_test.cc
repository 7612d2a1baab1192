#include "services/discovery/arp_scanner.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/discovery/limits.h"
#include "tests/unit/discovery/fake_segment.h"

namespace tentacle::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace asio = boost::asio;

constexpr std::uint32_t kOwn = 0x0a000001;  // 10.0.0.1

wire::MacAddress Mac(std::uint8_t last) {
  wire::MacAddress mac;
  mac.octets = {0x02, 0, 0, 0, 0, last};
  return mac;
}

class ArpScannerTest : public ::testing::Test {
 protected:
  ArpScannerTest()
      : segment_(io_),
        metrics_(registry_),
        log_("discovery", runtime::LogLevel::kError),
        table_(100),
        links_(
            std::make_shared<SegmentLinks>(io_.get_executor(), segment_.Source(), metrics_, log_)),
        scanner_(std::make_shared<ArpScanner>(
            io_.get_executor(), clock_, *links_, table_, metrics_, log_)) {
    segment_.addresses = {{"eth0", 2, Mac(1), kOwn, 28, false}};
    settings_.probes_per_second = limits::kMaxProbesPerSecond;
    settings_.reply_wait = absl::Milliseconds(1);
    links_->OnHeard([this](const FrameReport& report) {
      if (!report.device) return;
      scanner_->OnHeard(*report.device);
      table_.Observe(*report.device, clock_.Now());
    });
    scanner_->OnResult([this](ScanResult result) { return Take(std::move(result)); });
  }

  ~ArpScannerTest() override {
    links_->Close();
    io_.restart();
    io_.run();
  }

  asio::awaitable<void> Take(ScanResult result) {
    results_.push_back(std::move(result));
    io_.stop();
    co_return;
  }

  // Runs until a result is there.
  void RunToResult() {
    io_.restart();
    io_.run();
  }

  std::vector<wire::MacAddress> Found() const { return results_.back().devices; }

  asio::io_context io_;
  FakeSegment segment_;
  prometheus::Registry registry_;
  Metrics metrics_;
  runtime::Log log_;
  runtime::RealClock clock_;
  DeviceTable table_;
  std::shared_ptr<SegmentLinks> links_;
  std::shared_ptr<ArpScanner> scanner_;
  ScanSettings settings_;
  std::vector<ScanResult> results_;
};

TEST_F(ArpScannerTest, FindsExactlyWhoAnswers) {
  segment_.hosts = {{kOwn + 2, Mac(9)}, {kOwn + 5, Mac(7)}};
  links_->Apply(true, {});
  const auto started = scanner_->Start("scan-1", settings_);
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->scan_id, "scan-1");
  EXPECT_EQ(started->targets, 13u);
  RunToResult();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_THAT(results_[0].scan_ids, ElementsAre("scan-1"));
  EXPECT_THAT(Found(), ElementsAre(Mac(9), Mac(7)));
  EXPECT_EQ(results_[0].targets, 13u);
  EXPECT_FALSE(results_[0].interrupted);
  EXPECT_FALSE(scanner_->running());
}

TEST_F(ArpScannerTest, AHostThatMissedTheFirstQuestionIsFoundByTheSecond) {
  segment_.hosts = {{kOwn + 2, Mac(9)}, {kOwn + 5, Mac(7)}};
  segment_.deaf_once = {kOwn + 5};
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("", settings_).ok());
  RunToResult();
  EXPECT_THAT(Found(), ElementsAre(Mac(9), Mac(7)));
  // 13 questions, then one more to each of the 12 that stayed silent.
  EXPECT_THAT(segment_.sent, SizeIs(13 + 12));
}

TEST_F(ArpScannerTest, QuestionsAreBroadcastFromOurOwnAddress) {
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("", settings_).ok());
  RunToResult();
  const auto ethernet = wire::ParseEthernet(segment_.sent.front());
  ASSERT_TRUE(ethernet.ok());
  EXPECT_EQ(ethernet->destination, wire::kBroadcastMac);
  EXPECT_EQ(ethernet->source, Mac(1));
  const auto arp = wire::ParseArp(ethernet->payload);
  ASSERT_TRUE(arp.ok());
  EXPECT_EQ(arp->operation, wire::ArpOperation::kRequest);
  EXPECT_EQ(arp->sender_mac, Mac(1));
  EXPECT_EQ(arp->sender_ip, kOwn);
  EXPECT_EQ(arp->target_mac, wire::MacAddress{});
  EXPECT_EQ(arp->target_ip, kOwn + 1);
}

TEST_F(ArpScannerTest, ASecondRequestJoinsAndGetsTheSameResult) {
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("a", settings_).ok());
  const auto joined = scanner_->Start("b", settings_);
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(joined->scan_id, "b");
  EXPECT_EQ(joined->targets, 13u);
  RunToResult();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_THAT(results_[0].scan_ids, ElementsAre("a", "b"));
}

TEST_F(ArpScannerTest, ACommandThatIsDeliveredTwiceGetsOneResult) {
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("a", settings_).ok());
  ASSERT_TRUE(scanner_->Start("a", settings_).ok());
  RunToResult();
  EXPECT_THAT(results_[0].scan_ids, ElementsAre("a"));
}

TEST_F(ArpScannerTest, TooManyJoinersAreRefused) {
  links_->Apply(true, {});
  for (std::size_t i = 0; i < limits::kMaxJoinedScans; ++i) {
    ASSERT_TRUE(scanner_->Start("id" + std::to_string(i), settings_).ok());
  }
  EXPECT_EQ(scanner_->Start("late", settings_).status().code(),
            absl::StatusCode::kResourceExhausted);
  RunToResult();
  EXPECT_THAT(results_[0].scan_ids, SizeIs(limits::kMaxJoinedScans));
}

TEST_F(ArpScannerTest, AnEmptyIdIsReplacedByARandomOne) {
  links_->Apply(true, {});
  const auto first = scanner_->Start("", settings_);
  const auto second = scanner_->Start("", settings_);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_FALSE(first->scan_id.empty());
  EXPECT_NE(first->scan_id, second->scan_id);
  RunToResult();
}

TEST_F(ArpScannerTest, AnIdWithControlCharactersIsRefused) {
  links_->Apply(true, {});
  EXPECT_TRUE(absl::IsInvalidArgument(scanner_->Start("a\nb", settings_).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(scanner_->Start(std::string(999, 'x'), settings_).status()));
  EXPECT_FALSE(scanner_->running());
}

TEST_F(ArpScannerTest, WithoutTheCapabilityTheReasonIsTold) {
  segment_.open_status = absl::PermissionDeniedError("capturing needs CAP_NET_RAW");
  links_->Apply(true, {});
  const absl::Status status = scanner_->Start("", settings_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("CAP_NET_RAW"));
  EXPECT_THAT(links_->problem(), HasSubstr("CAP_NET_RAW"));
}

TEST_F(ArpScannerTest, WhenSwitchedOffNothingIsOpenedAndTheReasonIsTold) {
  links_->Apply(false, {});
  EXPECT_EQ(segment_.opened, 0);
  const absl::Status status = scanner_->Start("", settings_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("discovery.enabled"));
  EXPECT_THAT(links_->problem(), IsEmpty());
}

TEST_F(ArpScannerTest, OnlyTooLargeNetworksAreRefusedWithTheirNames) {
  segment_.addresses = {{"eth0", 2, Mac(1), kOwn, 8, false}};
  links_->Apply(true, {});
  const absl::Status status = scanner_->Start("", settings_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("10.0.0.0/8"));
}

TEST_F(ArpScannerTest, SwitchingOffDuringASweepEndsItWithWhatWasFound) {
  settings_.probes_per_second = 1;
  segment_.hosts = {{kOwn + 1, Mac(9)}};
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("a", settings_).ok());
  // Until the first answer is in the table: the second question is a second away.
  while (table_.size() == 0)
    io_.run_one();
  scanner_->Stop();
  RunToResult();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(results_[0].interrupted);
  EXPECT_EQ(results_[0].targets, 1u);
  EXPECT_THAT(Found(), ElementsAre(Mac(9)));
}

TEST_F(ArpScannerTest, AnInterfaceThatGoesDownEndsTheSweep) {
  settings_.probes_per_second = 1000;
  segment_.hosts = {{kOwn + 1, Mac(9)}};
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("a", settings_).ok());
  while (table_.size() == 0)
    io_.run_one();
  segment_.BreakLinks();
  RunToResult();
  EXPECT_TRUE(results_[0].interrupted);
  EXPECT_TRUE(absl::IsFailedPrecondition(links_->Ready()));
}

TEST_F(ArpScannerTest, ABrokenLinkIsOpenedAgain) {
  links_->Apply(true, {});
  io_.poll();
  segment_.BreakLinks();
  io_.restart();
  io_.poll();
  ASSERT_FALSE(links_->Ready().ok());
  links_->Apply(true, {});
  EXPECT_TRUE(links_->Ready().ok());
  EXPECT_EQ(segment_.opened, 2);
}

TEST_F(ArpScannerTest, ApplyingTheSameAgainOpensNothing) {
  links_->Apply(true, {});
  links_->Apply(true, {});
  EXPECT_EQ(segment_.opened, 1);
}

TEST_F(ArpScannerTest, AnAddressThatComesLaterIsSweptToo) {
  links_->Apply(true, {});
  segment_.addresses.push_back({"eth0", 2, Mac(1), 0xc0a80001, 29, false});
  links_->Apply(true, {});
  const auto started = scanner_->Start("", settings_);
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(started->targets, 13u + 5u);
  RunToResult();
}

TEST_F(ArpScannerTest, GarbageIsDroppedAndTheSweepGoesOn) {
  segment_.hosts = {{kOwn + 13, Mac(9)}};
  links_->Apply(true, {});
  ASSERT_TRUE(scanner_->Start("", settings_).ok());
  segment_.Deliver({});
  segment_.Deliver(std::vector<std::uint8_t>(13, 0xff));
  segment_.Deliver(std::vector<std::uint8_t>(60, 0xff));
  std::vector<std::uint8_t> cut = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 9, 0x08, 0x06, 0, 1};
  segment_.Deliver(cut);
  RunToResult();
  EXPECT_THAT(Found(), ElementsAre(Mac(9)));
}

}  // namespace
}  // namespace tentacle::discovery
