// Who a machine is, by what its firmware says.
#include "services/pxe/core/machine_identity.h"

#include <gtest/gtest.h>

namespace tentacle::pxe {
namespace {

constexpr char kUuid[] = "4c4c4544-0042-3510-8056-b4c04f4c3532";

TEST(MachineIdentity, WhatMakersLeaveInIsNobody) {
  for (const char* junk :
       {"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
        "12345678-1234-5678-90AB-CDDEEFAABBCC", "${uuid}", "", "4c4c4544",
        "4c4c4544-0042-3510-8056-b4c04f4c353g"}) {
    EXPECT_TRUE(IsJunkUuid(junk)) << junk;
  }
  EXPECT_FALSE(IsJunkUuid(kUuid));
  for (const char* junk :
       {"", " ", "To Be Filled By O.E.M.", "Default string", "System Serial Number", "0",
        "00000000", "None", "${serial}", "123456789", "..........", "N/A", "\x01\x02"}) {
    EXPECT_TRUE(IsJunkSerial(junk)) << junk;
  }
  EXPECT_TRUE(IsJunkSerial(std::string(65, 'a') + "b"));
  EXPECT_FALSE(IsJunkSerial("CZC1234567"));
}

TEST(MachineIdentity, IsCleaned) {
  const MachineIdentity identity =
      CleanIdentity("4C4C4544-0042-3510-8056-B4C04F4C3532", "  CZC1234567 ");
  EXPECT_EQ(identity.uuid, kUuid);
  EXPECT_EQ(identity.serial, "CZC1234567");
}

TEST(MachineIdentity, DiffersOnlyWhereBothSaySomething) {
  EXPECT_EQ(IdentityObjection({kUuid, "A"}, {kUuid, "A"}), "");
  EXPECT_EQ(IdentityObjection({kUuid, ""}, {"", "A"}), "");
  EXPECT_EQ(IdentityObjection({}, {kUuid, "A"}), "");
  EXPECT_EQ(IdentityObjection({kUuid, "A"}, {kUuid, "B"}),
            "this machine has the serial B, the task is for A");
  EXPECT_NE(IdentityObjection({kUuid, ""}, {"11111111-0042-3510-8056-b4c04f4c3532", ""}), "");
}

}  // namespace
}  // namespace tentacle::pxe
