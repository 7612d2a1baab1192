// Bar C3: five thousand names that want out of the boot folder, on a real one, with what lies
// beside it and with links that lead there.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libs/net/http_types.h"
#include "services/pxe/boot_folder.h"
#include "services/pxe/boot_shelf.h"
#include "services/pxe/core/boot_files.h"
#include "tests/support/temp_dir.h"

namespace tentacle::pxe {
namespace {

namespace fs = std::filesystem;

constexpr char kInside[] = "a boot loader";
constexpr char kOutside[] = "root:x:0:0";

class BootPathTest : public ::testing::Test {
 protected:
  BootPathTest() {
    for (const char* folder : {"boot/EFI/BOOT", "boot/ramdisk", "secrets"})
      fs::create_directories(path_ / folder);
    for (const char* file : {"boot/ipxe.efi", "boot/EFI/BOOT/grubx64.efi", "boot/ramdisk/vmlinuz"})
      std::ofstream(path_ / file) << kInside;
    for (const char* file : {"passwd", "secrets/passwd", "boot/.hidden"})
      std::ofstream(path_ / file) << kOutside;
    fs::create_symlink(path_ / "passwd", path_ / "boot/link.efi");
    fs::create_symlink("../passwd", path_ / "boot/near.efi");
    fs::create_directory_symlink(path_ / "secrets", path_ / "boot/folder");
    fs::create_directory_symlink("/", path_ / "boot/root");
  }

  // Whether anything could be read, as TFTP or as HTTP reads; what was read is from inside.
  bool Read(const std::string& name) {
    const auto safe = SafeBootPath(name);
    if (!safe) return false;
    const auto content = shelf_.Read(*safe);
    if (content.ok()) {
      EXPECT_EQ(**content, kInside) << name;
    }
    const auto span = net::OpenFileSpanBelow(temp_.path() + "/boot", *safe);
    if (span.ok()) {
      std::string text(span->length, '\0');
      EXPECT_EQ(::pread(*span->fd, text.data(), text.size(), 0), std::ssize(text));
      EXPECT_EQ(text, kInside) << name;
    }
    return content.ok() || span.ok();
  }

  TempDir temp_;
  const fs::path path_{temp_.path()};
  BootShelf shelf_{temp_.path() + "/boot"};
};

// Every way up, at every depth, in front of what one would like to have.
std::set<std::string> HostileNames(const std::string& root) {
  const std::vector<std::string> ups = {"..",
                                        "../",
                                        "..\\",
                                        ".../",
                                        "....//",
                                        "..;/",
                                        "%2e%2e/",
                                        "%2e%2e%2f",
                                        "..%2f",
                                        "..%5c",
                                        "%252e%252e%252f",
                                        "\xc0\xae\xc0\xae/",
                                        "\xc0\xae\xc0\xae\xc0\xaf",
                                        "..\xc0\xaf",
                                        "..\xe0\x80\xaf",
                                        ". ./",
                                        ".\\.\\..\\",
                                        "./../",
                                        ".//..//",
                                        "~/",
                                        "folder/../",
                                        "root/",
                                        "EFI/../../",
                                        "EFI\\..\\..\\",
                                        "\\\\?\\",
                                        "//./",
                                        "file:///"};
  const std::vector<std::string> fronts = {"", "/", "\\", "//", "C:\\", "boot/", "EFI/BOOT/", "./"};
  const std::vector<std::string> targets = {"passwd",     "secrets/passwd", root + "/passwd",
                                            "etc/passwd", "etc\\passwd",    "PASSWD",
                                            "passwd\xff", "passwd ",        ".hidden"};
  std::set<std::string> names;
  for (const auto& front : fronts) {
    for (const auto& up : ups) {
      std::string way = front;
      for (int depth = 0; depth < 4; ++depth) {
        way += up;
        for (const auto& target : targets)
          names.insert(way + target);
      }
    }
  }
  for (const char* device :
       {"CON", "NUL", "AUX", "COM1", "LPT1", "CON.efi", "/dev/zero", "dev/sda"})
    names.insert(device);
  for (const char* link : {"link.efi", "near.efi", "folder/passwd", "root/etc/passwd", "/link.efi"})
    names.insert(link);
  names.insert(std::string("ipxe.efi\0/../../passwd", 22));
  names.insert(std::string("../passwd\0ipxe.efi", 18));
  names.insert(std::string(65'000, '/') + "passwd");
  names.insert(std::string(65'000, 'a'));
  return names;
}

TEST_F(BootPathTest, NoNameLeadsOut) {
  const auto names = HostileNames(temp_.path());
  EXPECT_GE(names.size(), 5000u);
  std::size_t read = 0;
  for (const auto& name : names)
    read += Read(name) ? 1 : 0;
  EXPECT_EQ(read, 0u);
}

// Or it would be offered, and then refused.
TEST_F(BootPathTest, ALinkDoesNotCountAsABootFile) {
  const BootFolder folder(temp_.path() + "/boot");
  EXPECT_TRUE(folder.Has("ipxe.efi"));
  for (const char* name : {"link.efi", "near.efi", "folder/passwd", "EFI", "absent"})
    EXPECT_FALSE(folder.Has(name)) << name;
}

TEST_F(BootPathTest, WhatIsInsideIsFoundInEveryManner) {
  for (const char* name : {"ipxe.efi", "/ipxe.efi", "\\ipxe.efi", "//ramdisk//vmlinuz",
                           "ramdisk\\vmlinuz", "/EFI/BOOT/grubx64.efi"})
    EXPECT_TRUE(Read(name)) << name;
}

}  // namespace
}  // namespace tentacle::pxe
