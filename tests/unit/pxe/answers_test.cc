// Answer files: golden for a task that says everything, and whole whatever a task says.
#include "services/pxe/core/answers.h"

#include <pugixml.hpp>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/identity/identity.h"
#include "services/pxe/core/autounattend.h"
#include "services/pxe/core/escape.h"
#include "services/pxe/core/linux_answers.h"
#include "services/pxe/core/utf16.h"
#include "services/pxe/core/winpe_scripts.h"
#include "tests/support/golden.h"
#include "tests/unit/pxe/hostile.h"

namespace tentacle::pxe {
namespace {

using namespace tentacle::testing;  // NOLINT(google-build-using-namespace): machines by name.
using ::testing::HasSubstr;
using ::testing::Not;

AnswerContext Context() {
  AnswerContext context;
  context.answers_url = "http://192.168.10.2:9080/answers/0011";
  context.callback_url = "http://192.168.10.2:9080/api/v1/provisioning/tasks/t1/events";
  context.callback_token = "fedcba98";
  context.image = {"http://192.168.10.2:9081/images/img-1",
                   std::string(64, 'a'),
                   1'000'000,
                   0,
                   "wim",
                   "win2025"};
  context.salt = "0123456789abcdef";
  context.drivers = {"netkvm.inf", "netkvm.sys", "viostor.inf"};
  return context;
}

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

struct Case {
  std::string os_type;
  BootKind kind;
};

class Answers : public ::testing::TestWithParam<Case> {};

TEST_P(Answers, AreTheGoldenOnes) {
  const auto task = FullTask(GetParam().os_type);
  for (const std::string_view name : AnswerNames(GetParam().kind)) {
    const AnswerFile* file = FindAnswer(GetParam().kind, name);
    ASSERT_NE(file, nullptr);
    ExpectGolden("pxe/answers/" + std::string(name), file->render(task, Context()));
  }
}

INSTANTIATE_TEST_SUITE_P(Of,
                         Answers,
                         ::testing::Values(Case{"windows", BootKind::kWindows},
                                           Case{"debian-preseed", BootKind::kDebianPreseed},
                                           Case{"ubuntu-autoinstall", BootKind::kUbuntuAutoinstall},
                                           Case{"rhel-kickstart", BootKind::kRhelKickstart}),
                         [](const auto& param_info) {
                           std::string name = param_info.param.os_type;
                           std::erase(name, '-');
                           return name;
                         });

TEST(AnswerNames, OfAnotherKindAreNone) {
  EXPECT_EQ(FindAnswer(BootKind::kDebianPreseed, "unattend.xml"), nullptr);
  EXPECT_EQ(FindAnswer(BootKind::kLinuxImage, "preseed.cfg"), nullptr);
  EXPECT_EQ(FindAnswer(BootKind::kWindows, ""), nullptr);
}

// What pugixml reads back from a text that was put in: control characters have no place in XML.
std::string AsXmlText(const std::string& text) {
  return OneLineOf(text);
}

TEST(Autounattend, HoldsHostileTextAsText) {
  const auto plain = FullTask("windows");
  pugi::xml_document expected;
  ASSERT_TRUE(expected.load_string(Autounattend(plain, Context()).c_str()));
  const auto count = [](const pugi::xml_document& document) {
    return document.select_nodes("//*").size();
  };
  for (const std::string& text : HostileTexts()) {
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(Autounattend(WithText(plain, text), Context()).c_str(),
                                     pugi::parse_default | pugi::parse_ws_pcdata))
        << text;
    EXPECT_TRUE(document.select_node("//evil").node().empty()) << text;
    EXPECT_EQ(document.select_node("//Credentials/Username").node().text().get(), AsXmlText(text));
    EXPECT_EQ(document.select_node("//Credentials/Password").node().text().get(), AsXmlText(text));
  }
  EXPECT_EQ(count(expected), expected.select_nodes("//*").size());
}

TEST(Autounattend, PasswordsAreWhatWindowsDecodes) {
  auto task = FullTask("windows");
  task.set_admin_password("Pä$$");
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(Autounattend(task, Context()).c_str()));
  const std::string value =
      document.select_node("//AdministratorPassword/Value").node().text().get();
  EXPECT_EQ(*identity::Base64Decode(value), Utf16Le("Pä$$AdministratorPassword"));
  EXPECT_THAT(Autounattend(task, Context()), Not(HasSubstr("Pä$$")));
}

TEST(Autounattend, AMachineWhoseAccountIsThereJoinsWithoutAnybodysPassword) {
  auto task = FullTask("windows");
  task.mutable_domain()->clear_user();
  task.mutable_domain()->clear_password();
  task.mutable_domain()->set_account_data("QUNDT1VOVA==");
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(Autounattend(task, Context()).c_str()));
  const auto identification = document.select_node("//Identification").node();
  EXPECT_STREQ(identification.child("Provisioning").child_value("AccountData"), "QUNDT1VOVA==");
  for (const char* other : {"Credentials", "JoinDomain", "MachineObjectOU"})
    EXPECT_FALSE(identification.child(other)) << other;
}

TEST(Autounattend, NamespacesAreDeclared) {  // The fault of the code that this replaces.
  EXPECT_THAT(Autounattend(FullTask("windows"), Context()),
              HasSubstr("xmlns:wcm=\"http://schemas.microsoft.com/WMIConfig/2002/State\""));
}

TEST(Autounattend, ComputerNamesAreCutToWhatNetbiosTakes) {
  auto task = FullTask("windows");
  task.set_hostname("a-very-long-hostname-indeed.corp.local");
  EXPECT_THAT(Autounattend(task, Context()),
              HasSubstr("<ComputerName>a-very-long-hos</ComputerName>"));
}

TEST(Autounattend, OfATaskThatSaysLittleHasNoDomainAndNoStaticNetwork) {
  task::v1::BootTask task = Task("t1");
  const std::string text = Autounattend(task, Context());
  for (const char* part :
       {"UnattendedJoin", "TCPIP", "DNS-Client", "RemoteDesktop", "AdministratorPassword"}) {
    EXPECT_THAT(text, Not(HasSubstr(part)));
  }
}

TEST(WindowsNames, OfZonesAndLocales) {
  EXPECT_EQ(WindowsTimezone("Europe/Berlin"), "W. Europe Standard Time");
  EXPECT_EQ(WindowsTimezone("Antarctica/Troll"), "UTC");
  EXPECT_EQ(WindowsTimezone("Tokyo Standard Time"), "Tokyo Standard Time");
  EXPECT_EQ(WindowsLocale("pt_BR.UTF-8"), "pt-BR");
  EXPECT_EQ(WindowsLocale(""), "en-US");
}

TEST(Utf16, OctetsOfEveryPlane) {
  EXPECT_EQ(Utf16Le("A"), std::string("A\0", 2));
  EXPECT_EQ(Utf16Le("\xe2\x82\xac"), "\xac\x20");
  EXPECT_EQ(Utf16Le("\xf0\x9f\x99\x82"), "\x3d\xd8\x42\xde");
  EXPECT_EQ(Utf16Le("\xff"), "\xfd\xff");
  EXPECT_EQ(Utf16Le("\xed\xa0\x80"), "\xfd\xff");  // A surrogate.
  EXPECT_EQ(Utf16Le("\xe2\x82"), "\xfd\xff\xfd\xff");
}

TEST(BatchFiles, HaveTheSameLinesWhateverATaskSays) {
  const auto plain = FullTask("windows");
  for (const auto render : {&StartNet, &SetupComplete, &WinpeShell, &DiskpartUefi, &DiskpartBios}) {
    const std::string expected = render(plain, Context());
    for (const std::string& text : HostileTexts()) {
      const std::string rendered = render(WithText(plain, text), Context());
      EXPECT_EQ(Lines(rendered), Lines(expected)) << text;
      EXPECT_THAT(rendered, Not(HasSubstr("<evil"))) << text;
      EXPECT_THAT(rendered, Not(HasSubstr(" %evil"))) << text;
      EXPECT_THAT(rendered, Not(HasSubstr("& evil"))) << text;
    }
    EXPECT_EQ(expected.find('\n'), expected.find("\r\n") + 1);
  }
}

TEST(Preseed, HasTheSameLinesWhateverATaskSays) {
  const auto plain = FullTask("debian-preseed");
  const std::string expected = Preseed(plain, Context());
  for (const std::string& text : HostileTexts()) {
    const std::string rendered = Preseed(WithText(plain, text), Context());
    EXPECT_EQ(Lines(rendered), Lines(expected)) << text;
    EXPECT_THAT(rendered, Not(HasSubstr("evil"))) << text;
  }
}

TEST(UserData, IsTheSameDocumentWhateverATaskSays) {
  const auto plain = FullTask("ubuntu-autoinstall");
  for (const std::string& text : HostileTexts()) {
    // A task comes as JSON, so that what is no UTF-8 never gets this far.
    const auto task = WithText(plain, text);
    const std::string rendered = UserData(task, Context());
    EXPECT_EQ(Lines(rendered), 2u) << text;
    boost::system::error_code error;
    boost::json::parse_options lax;
    lax.allow_invalid_utf8 = true;
    const auto document =
        boost::json::parse(rendered.substr(rendered.find('\n') + 1), error, {}, lax);
    ASSERT_FALSE(error) << text;
    EXPECT_EQ(document.at("autoinstall").as_object().size(), 12u) << text;
    const auto& keys = document.at("autoinstall").at("ssh").at("authorized-keys").as_array();
    EXPECT_EQ(std::string(keys.at(0).as_string()), OneLineOf(text));
  }
}

TEST(Kickstart, HasTheSameLinesWhateverATaskSays) {
  const auto plain = FullTask("rhel-kickstart");
  const std::string expected = Kickstart(plain, Context());
  for (const std::string& text : HostileTexts()) {
    const std::string rendered = Kickstart(WithText(plain, text), Context());
    EXPECT_EQ(Lines(rendered), Lines(expected)) << text;
    EXPECT_EQ(rendered.find("\nevil"), std::string::npos) << text;
  }
}

TEST(PasswordHash, IsThatOfCrypt) {
  // Made with `openssl passwd -6 -salt 0123456789abcdef secret`.
  EXPECT_EQ(
      PasswordHash("secret", "0123456789abcdef"),
      "$6$0123456789abcdef$"
      "8CGkKDSyVpVlVNcs5PssRw/Tb8EgfecuA6D/zsRQFumJaU.s8KgTWWc2HfgkB7h2n1qIKiJFeSyUFrwvhILXy.");
  EXPECT_EQ(PasswordHash("", "0123456789abcdef"), "!");
}

}  // namespace
}  // namespace tentacle::pxe
