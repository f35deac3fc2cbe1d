// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <gtest/gtest.h>

#include <fstream>

#include "sqlite/statement.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::sqlite {
namespace {

using sys::TestDirectory;
using sys::value_of;

using base::ErrorCode;

constexpr const char* kMake = "CREATE TABLE things (name TEXT NOT NULL) STRICT";
constexpr const char* kColour = "ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'";
constexpr const char* kFirst[] = {kMake};
constexpr const char* kSecond[] = {kMake, kColour};
constexpr DatabaseSchema kOld{.file = "things.db", .name = "list of things", .steps = kFirst};
constexpr DatabaseSchema kNew{.file = "things.db", .name = "list of things", .steps = kSecond};

TEST(DatabaseTest, AnOlderOneIsUpgradedWithWhatIsInItAndANewerOneRefused) {
  TestDirectory directory;
  const Database old = value_of(open_database(directory.path(), kOld));
  ASSERT_TRUE(execute(old.get(), "INSERT INTO things (name) VALUES ('chair')"));
  sys::Children children;
  for (int i = 0; i < 8; ++i)
    children.start([&] {
      children.wait_for_gate();
      return open_database(directory.path(), kNew) ? 0 : 1;
    });
  children.open_gate();
  EXPECT_EQ(children.wait_for_all(), std::vector<int>(8, 0));
  const Database upgraded = value_of(open_database(directory.path(), kNew));
  Statement colours = value_of(Statement::prepare(upgraded.get(), "SELECT colour FROM things"));
  ASSERT_TRUE(value_of(colours.step()));
  EXPECT_EQ(colours.text(0), "red");
  // Who has had it open all the time goes on.
  EXPECT_TRUE(execute(old.get(), "INSERT INTO things (name) VALUES ('table')"));
  const auto refused = open_database(directory.path(), kOld);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(refused.error().message().contains("the list of things was written by a newer"));
}

// It said "catalog: …" of whichever database.
TEST(DatabaseTest, ErrorsNameTheFile) {
  TestDirectory directory;
  std::ofstream(directory.path() / "things.db") << std::string(8192, 'x');
  const auto damaged = open_database(directory.path(), kNew);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(damaged.error().message().contains("'things.db': ")) << damaged.error().message();
}

}  // namespace
}  // namespace reprise::sqlite
