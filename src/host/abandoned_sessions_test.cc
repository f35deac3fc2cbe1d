// SPDX-License-Identifier: Apache-2.0
#include "host/abandoned_sessions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::host {
namespace {

namespace fs = std::filesystem;

class Abandoned : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/abandoned-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    layout_ = {.store = fs::path(pattern) / "store", .run = fs::path(pattern) / "run", .runc = ""};
  }
  void TearDown() override { fs::remove_all(layout_.run.parent_path()); }

  Layout layout_;
};

TEST_F(Abandoned, BeforeTheFirstSessionThereIsNone) {
  EXPECT_TRUE(abandoned_sessions(layout_).value().empty());
  EXPECT_TRUE(layout_.members_of(1).value().empty());
  EXPECT_FALSE(layout_.is_in_session("web"));
}

TEST_F(Abandoned, AnErrorIsNotNone) {
  fs::create_directories(layout_.run);
  for (const char* name : {"sessions", "containers", "locks"}) std::ofstream(layout_.run / name);
  EXPECT_FALSE(abandoned_sessions(layout_));
  EXPECT_FALSE(layout_.members_of(1));
  EXPECT_TRUE(layout_.is_in_session("web"));
}

TEST_F(Abandoned, AMarkerThatCannotBeReadIsNotAnothers) {
  ASSERT_TRUE(layout_.create());
  std::ofstream(layout_.run / "containers/one") << "815";
  EXPECT_EQ(layout_.members_of(815).value(), std::vector<std::string>{"one"});
  fs::create_directory(layout_.run / "containers/two");
  EXPECT_FALSE(layout_.members_of(815));
}

TEST_F(Abandoned, TheCallersSessionIsNot) {
  const auto mine = layout_.session_run_directory(base::SessionId("mine"));
  const auto left = layout_.session_run_directory(base::SessionId("left"));
  for (const auto& directory : {mine, left}) ASSERT_TRUE(sys::make_directories(directory));
  std::ofstream(session_lock_file(left));
  const auto lock = sys::FileLock::try_lock(session_lock_file(mine));
  ASSERT_TRUE(lock);
  EXPECT_EQ(abandoned_sessions(layout_).value(), std::vector{base::SessionId("left")});
}

}  // namespace
}  // namespace reprise::host
