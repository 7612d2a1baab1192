// What boots a machine: scripts for iPXE and configurations for GRUB, of every kind of task.
#include <algorithm>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/pxe/core/escape.h"
#include "services/pxe/core/grub_config.h"
#include "services/pxe/core/ipxe_script.h"
#include "tests/support/golden.h"
#include "tests/unit/pxe/hostile.h"
#include "tests/unit/pxe/machine.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::HasSubstr;
using ::testing::Not;

BootContext Context() {
  BootContext context;
  context.base_url = "http://192.168.10.2:9080";
  context.answers_url = "http://192.168.10.2:9080/answers/0011";
  context.token = "00112233445566778899aabbccddeeff";
  context.image_url = "http://192.168.10.2:9081/images/img-1";
  context.drivers = {"netkvm.inf", "netkvm.sys", "viostor.inf"};
  context.mac = kMac;
  return context;
}

struct Case {
  std::string os_type;
  BootKind kind;
};

class Scripts : public ::testing::TestWithParam<Case> {};

TEST_P(Scripts, AreTheGoldenOnes) {
  const auto task = FullTask(GetParam().os_type);
  ExpectGolden("pxe/scripts/" + GetParam().os_type + ".ipxe",
               BootScript(GetParam().kind, task, Context()));
  const auto grub = GrubConfig(GetParam().kind, task, Context());
  ExpectGolden("pxe/scripts/" + GetParam().os_type + ".grub", grub.value_or("none\n"));
}

// Bar A4: a text changes what is said, never how many lines there are or what they begin with.
TEST_P(Scripts, HaveTheSameVerbsWhateverATaskSays) {
  const auto verbs = [](const std::string& script) {
    std::string out;
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);)
      out += line.substr(0, line.find_first_of(" ?")) + "\n";
    return out;
  };
  const auto plain = FullTask(GetParam().os_type);
  const std::string expected = verbs(BootScript(GetParam().kind, plain, Context()));
  const std::string expected_grub =
      verbs(GrubConfig(GetParam().kind, plain, Context()).value_or(""));
  for (const std::string& text : HostileTexts()) {
    const auto task = WithText(plain, text);
    const std::string script = BootScript(GetParam().kind, task, Context());
    EXPECT_EQ(verbs(script), expected) << text;
    EXPECT_THAT(script, Not(HasSubstr("$("))) << text;
    EXPECT_THAT(script, Not(HasSubstr(" evil"))) << text;
    EXPECT_THAT(script, Not(HasSubstr("${evil"))) << text;
    EXPECT_EQ(verbs(GrubConfig(GetParam().kind, task, Context()).value_or("")), expected_grub)
        << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Of,
                         Scripts,
                         ::testing::Values(Case{"linux-image", BootKind::kLinuxImage},
                                           Case{"windows", BootKind::kWindows},
                                           Case{"debian-preseed", BootKind::kDebianPreseed},
                                           Case{"ubuntu-autoinstall", BootKind::kUbuntuAutoinstall},
                                           Case{"rhel-kickstart", BootKind::kRhelKickstart},
                                           Case{"local-boot", BootKind::kLocalBoot},
                                           Case{"plain-kernel", BootKind::kPlainKernel}),
                         [](const auto& param_info) {
                           std::string name = param_info.param.os_type;
                           std::erase(name, '-');
                           return name;
                         });

TEST(WaitingScript, SaysWhyInHarmlessCharacters) {
  for (const std::string& text : HostileTexts()) {
    const std::string script = WaitingScript("http://192.168.10.2:9080", kMac, text);
    EXPECT_EQ(std::count(script.begin(), script.end(), '\n'), 4) << text;
    EXPECT_THAT(script, Not(HasSubstr("${"))) << text;
    const std::string grub = GrubWaiting(text);
    EXPECT_EQ(std::count(grub.begin(), grub.end(), '\n'), 3) << text;
    EXPECT_EQ(std::count(grub.begin(), grub.end(), '\''), 2) << text;
  }
}

TEST(Escape, ShellQuotesHoldEverything) {
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's $(id) `id` \\ \n"), "'it'\\''s $(id) `id` \\ \n'");
  EXPECT_EQ(ShellQuote(std::string_view("a\0b", 3)), "'ab'");
}

TEST(Escape, LocalesAndZonesThatAreNoneBecomeTheUsualOnes) {
  EXPECT_EQ(LocaleOf("de_DE.UTF-8"), "de_DE.UTF-8");
  EXPECT_EQ(LocaleOf(""), "en_US.UTF-8");
  EXPECT_EQ(LocaleOf("de DE"), "en_US.UTF-8");
  EXPECT_EQ(TimezoneOf("America/Argentina/Buenos_Aires"), "America/Argentina/Buenos_Aires");
  EXPECT_EQ(TimezoneOf("../../etc/shadow"), "Etc/UTC");
  EXPECT_EQ(TimezoneOf("/etc/shadow"), "Etc/UTC");
}

TEST(BootKind, NeededFilesAreThoseOfTheTask) {
  auto task = FullTask("debian-preseed");
  task.clear_installer();
  EXPECT_THAT(NeededFiles(BootKind::kDebianPreseed, task),
              ::testing::ElementsAre("debian-12/linux", "debian-12/initrd.gz"));
  task.set_installer("debian-13");
  EXPECT_THAT(NeededFiles(BootKind::kDebianPreseed, task),
              ::testing::ElementsAre("debian-13/linux", "debian-13/initrd.gz"));
  EXPECT_THAT(NeededFiles(BootKind::kLocalBoot, task), ::testing::IsEmpty());
}

TEST(BootKind, KickstartNeedsAPlaceToInstallFrom) {
  auto task = FullTask("rhel-kickstart");
  EXPECT_EQ(KindObjection(task), "");
  task.clear_mirror();
  EXPECT_EQ(KindObjection(task), "");
  task.clear_image_id();
  EXPECT_THAT(KindObjection(task), HasSubstr("mirror: is missing"));
}

}  // namespace
}  // namespace tentacle::pxe
