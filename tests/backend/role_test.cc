#include "backend/core/role.h"

#include <gtest/gtest.h>

namespace tentacle::backend {
namespace {

TEST(Role, HasItsName) {
  for (const Role role : {Role::kViewer, Role::kOperator, Role::kAdmin})
    EXPECT_EQ(ParseRole(RoleName(role)), role);
  for (const char* name : {"", "Admin", "root", "viewer "})
    EXPECT_EQ(ParseRole(name), std::nullopt) << name;
}

TEST(Role, GrowsWithWhatItMay) {
  EXPECT_LT(Role::kViewer, Role::kOperator);
  EXPECT_LT(Role::kOperator, Role::kAdmin);
}

TEST(KeyName, IsWhatFitsIntoASentence) {
  for (const char* name : {"anna", "Anna Schmidt", "ci/deploy@berlin"})
    EXPECT_TRUE(IsKeyName(name)) << name;
  for (const std::string& name :
       {std::string(), std::string(" a"), std::string("a "), std::string("a, approved by b"),
        std::string("a\nb"), std::string("\xc3\xa4"), std::string(65, 'a'),
        std::string(kRootKeyName)})
    EXPECT_FALSE(IsKeyName(name)) << name;
}

}  // namespace
}  // namespace tentacle::backend
