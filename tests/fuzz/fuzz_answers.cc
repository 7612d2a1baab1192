// A task whose texts come from anywhere: ten pieces, each behind two octets of length. Whatever it
// says, an answer file stays the document that it is, and a boot script has the lines that it has.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <pugixml.hpp>
#include <string>

#include <boost/json/parse.hpp>

#include "libs/runtime/check.h"
#include "libs/wire/reader.h"
#include "services/pxe/core/answers.h"
#include "services/pxe/core/grub_config.h"
#include "services/pxe/core/ipxe_script.h"

namespace {

using namespace tentacle;  // NOLINT(google-build-using-namespace)
using task::v1::BootTask;

constexpr pxe::BootKind kKinds[] = {
    pxe::BootKind::kLinuxImage,        pxe::BootKind::kWindows,       pxe::BootKind::kDebianPreseed,
    pxe::BootKind::kUbuntuAutoinstall, pxe::BootKind::kRhelKickstart, pxe::BootKind::kLocalBoot};

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string TakeText(wire::Reader* in) {
  const std::size_t length = in->U16();
  const wire::Bytes piece = in->Take(std::min(length, in->remaining()));
  return std::string(piece.begin(), piece.end());
}

// `text` gives each field; the fields that a parser restricts keep what it lets through.
template <class Text>
BootTask MakeTask(Text text) {
  BootTask task;
  task.set_id("t1");
  task.set_mac("52:54:00:65:d5:42");
  task.set_hostname("web-01.corp.local");
  task.set_image_id("img-1");
  task.set_mirror("http://deb.debian.org/debian");
  task.set_locale(text());
  task.set_timezone(text());
  task.set_platform(text());
  task.set_admin_password(text());
  task.add_ssh_keys(text());
  task.mutable_disk()->set_serial(text());
  task.mutable_domain()->set_name("corp.local");
  task.mutable_domain()->set_user("u" + text());
  task.mutable_domain()->set_password(text());
  task.mutable_domain()->set_organizational_unit("o" + text());
  task.mutable_post_install()->set_script("s" + text());
  return task;
}

pxe::AnswerContext Context() {
  pxe::AnswerContext context;
  context.answers_url = "http://192.168.10.2:9080/answers/0011";
  context.callback_url = "http://192.168.10.2:9080/api/v1/provisioning/tasks/t1/events";
  context.callback_token = "fedc";
  context.image.url = "http://192.168.10.2:9081/images/img-1";
  context.salt = "0123456789abcdef";
  return context;
}

void CheckDocument(const pxe::AnswerFile& file, const std::string& text) {
  if (file.name == "unattend.xml") {
    pugi::xml_document document;
    TENTACLE_CHECK(document.load_string(text.c_str()));
    TENTACLE_CHECK(std::string(document.document_element().name()) == "unattend");
    TENTACLE_CHECK(document.document_element().select_nodes("settings").size() == 3);
  } else if (file.name == "user-data") {
    boost::system::error_code error;
    boost::json::parse_options any_octets;
    any_octets.allow_invalid_utf8 = true;
    const auto document =
        boost::json::parse(text.substr(text.find('\n') + 1), error, {}, any_octets);
    TENTACLE_CHECK(!error && document.at("autoinstall").as_object().size() == 12);
  }
}

// Files that have as many lines whatever a task says.
bool HasFixedLines(const pxe::AnswerFile& file) {
  return file.name != "octofleet-install" && file.name != "post.ps1" && file.name != "unattend.xml";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wire::Reader in(wire::Bytes(data, size));
  BootTask task = MakeTask([&in] { return TakeText(&in); });
  // One that says as much, in words.
  BootTask plain = MakeTask([] { return std::string("plain"); });
  // What is empty is left out of some files.
  if (task.disk().serial().empty()) plain.mutable_disk()->clear_serial();
  if (task.admin_password().empty()) plain.clear_admin_password();
  pxe::BootContext boot;
  boot.base_url = "http://192.168.10.2:9080";
  boot.answers_url = "http://192.168.10.2:9080/answers/0011";
  // One kind an input, chosen by its octets, so that the corpus with every bit turned goes through
  // all in seconds.
  const pxe::BootKind kind = kKinds[std::accumulate(data, data + size, size) % std::size(kKinds)];
  // Windows alone is told the password as it is. A hash takes milliseconds, on purpose, and shows
  // nothing of the text.
  if (kind != pxe::BootKind::kWindows) {
    task.clear_admin_password();
    plain.clear_admin_password();
  }
  TENTACLE_CHECK(Lines(pxe::BootScript(kind, task, boot)) ==
                 Lines(pxe::BootScript(kind, plain, boot)));
  const auto grub = pxe::GrubConfig(kind, task, boot);
  TENTACLE_CHECK(!grub || Lines(*grub) == Lines(*pxe::GrubConfig(kind, plain, boot)));
  for (const std::string_view name : pxe::AnswerNames(kind)) {
    const pxe::AnswerFile* file = pxe::FindAnswer(kind, name);
    const std::string text = file->render(task, Context());
    CheckDocument(*file, text);
    if (HasFixedLines(*file)) TENTACLE_CHECK(Lines(text) == Lines(file->render(plain, Context())));
  }
  return 0;
}
