// Tasks that say everything, and texts that mean harm to whoever puts them into a file.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/pxe/machine.h"

namespace tentacle::testing {

inline task::v1::BootTask FullTask(const std::string& os_type) {
  task::v1::BootTask task = Task("t1");
  task.set_hostname("web-01.corp.local");
  task.set_os_type(os_type);
  task.set_platform("kvm-libvirt");
  task.set_locale("de_DE.UTF-8");
  task.set_timezone("Europe/Berlin");
  task.set_mirror("http://deb.debian.org/debian");
  task.set_image_index(2);
  task.set_admin_password("s3cret & <more>");
  task.add_ssh_keys("ssh-ed25519 AAAA admin@corp");
  task.mutable_disk()->set_serial("WD-1234");
  task.mutable_disk()->set_min_size_bytes(8'000'000'000);
  auto& network = *task.mutable_network();
  network.set_dhcp(false);
  network.set_address("192.168.10.50");
  network.set_prefix_length(24);
  network.set_gateway("192.168.10.1");
  network.add_dns_servers("192.168.10.1");
  network.add_dns_servers("9.9.9.9");
  auto& domain = *task.mutable_domain();
  domain.set_name("corp.local");
  domain.set_user("joiner");
  domain.set_password("j0in&<");
  domain.set_organizational_unit("OU=Branch,DC=corp,DC=local");
  auto& post = *task.mutable_post_install();
  post.set_script("echo hello\nuptime");
  post.set_enable_rdp(true);
  post.set_agent_url("http://192.168.10.9/agent.msi");
  if (os_type == "plain-kernel") {
    task.mutable_kernel()->set_path("memtest/memtest86+x64.bin");
    task.mutable_kernel()->add_arguments("console=ttyS0,115200");
  }
  return task;
}

// Bar A4 of the reliability notes.
inline std::vector<std::string> HostileTexts() {
  return {"a\nevil",
          "a\r\nevil",
          std::string("a\0evil", 6),
          "${evil}",
          "${net0/mac}",
          "`evil`",
          "$(evil)",
          "\" evil \"",
          "' evil '",
          "'; evil; '",
          "\"; evil; \"",
          "a || evil",
          "a && evil",
          "a ; evil",
          "a | evil",
          "a > evil",
          "# evil",
          "]]>evil",
          "&lt;evil",
          "<evil/>",
          "<script>evil()</script>",
          "</Value><evil>",
          "<!-- evil -->",
          "<?evil?>",
          "<!DOCTYPE evil>",
          "&evil;",
          "%evil%",
          "%0a evil",
          "^evil^",
          "!evil!",
          "=cmd|' /C evil'!A0",
          "\x1b[2Jevil",
          "\xe2\x80\xae"
          "evil",
          "\xff\xfe"
          "evil",
          "\xc3"
          "evil",
          std::string(255, 'A'),
          std::string(64 * 1024, 'B'),
          "\x01\x02\x03",
          "   ",
          "../../etc/evil",
          "..\\..\\evil",
          "%2e%2e%2f"
          "evil",
          "CON",
          "-evil",
          "--evil",
          "/evil",
          "//evil/share",
          "\\\\evil\\share",
          "a b evil",
          "a\tevil",
          "%include /evil",
          "%end\n%pre\nevil",
          "d-i preseed/early_command string evil",
          "\nd-i evil string x",
          "{evil}",
          "[evil]",
          "- evil: yes",
          "\n- evil",
          "!!python/object/apply:evil",
          "*evil",
          "&anchor evil",
          "\\",
          "a\\",
          "\\\nevil"};
}

// `task` with the text wherever a task may hold one that ParseTask() does not restrict.
inline task::v1::BootTask WithText(task::v1::BootTask task, const std::string& text) {
  task.set_locale(text);
  task.set_timezone(text);
  task.set_admin_password(text);
  task.set_platform(text);
  task.set_ssh_keys(0, text);
  task.mutable_disk()->set_serial(text);
  task.mutable_domain()->set_user(text);
  task.mutable_domain()->set_password(text);
  task.mutable_domain()->set_organizational_unit(text);
  task.mutable_post_install()->set_script(text);
  task.mutable_machine()->set_serial(text);
  return task;
}

}  // namespace tentacle::testing
