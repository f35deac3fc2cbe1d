// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/log.h"

#include <gtest/gtest.h>

#include <string>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::engine {
namespace {

class CutOffTest : public testing::Test {
 protected:
  bool cut_off(const std::string& text) {
    EXPECT_TRUE(sys::replace_file(log_, text));
    return was_cut_off(log_);
  }
  sys::TestDirectory scratch_;
  const std::filesystem::path log_ = scratch_ / "restore.log";
};

TEST_F(CutOffTest, WhatEndsInTheMiddleWasKilled) {
  EXPECT_TRUE(cut_off("(00.1) pie: 1: Adjust id\n(00.2) pie: 1: Resto"));
  EXPECT_TRUE(cut_off("(00.1) Error (criu/a.c:1): that did no harm\n(00.2) going on\n"));
}

// It goes on after an error of a script, and ends with its tasks where it has no leave to let go.
TEST_F(CutOffTest, WhatEndsWithAnErrorInTheMiddleWasKilled) {
  EXPECT_TRUE(
      cut_off("(00.1) Forking task with 1 pid (flags 0x0)\n"
              "(00.2) Error (criu/cr-restore.c:2278): Pre-resume script ret code -1\n"));
}

TEST_F(CutOffTest, WhatSaysThatItFailedWasNot) {
  const std::string begun = "(00.0) Forking task with 1 pid (flags 0x0)\n";
  const std::string failed = begun + "(00.1) Error (criu/cr-restore.c:2536): Restoring FAILED.\n";
  EXPECT_FALSE(cut_off(failed));
  EXPECT_FALSE(cut_off(failed + "(00.2) unlocked\n"));
}

// It was once told as "killed", and tried three times: CRIU that gives up before it has begun with
// the tasks does not say that.
TEST_F(CutOffTest, WhatEndsWithAnErrorWasNot) {
  EXPECT_FALSE(cut_off("(00.1) Loaded\n(00.2) Error (criu/pstree.c:7): Can't read the image\n"));
}

TEST_F(CutOffTest, NoLogSaysNothing) {
  EXPECT_FALSE(was_cut_off(log_));
  EXPECT_FALSE(cut_off(""));
}

using CauseTest = CutOffTest;

TEST_F(CauseTest, OneThatIsNotKnownIsToldByItsPlace) {
  ASSERT_TRUE(sys::replace_file(log_,
                                "(00.1) Error (criu/new.c:7): a thing we never saw\n"
                                "(00.2) Error (criu/new.c:9): that comes of it\n"
                                "(00.3) Error (criu/cr-dump.c:1975): Dumping FAILED.\n"));
  const base::Error error =
      with_criu_cause(base::Error(base::ErrorCode::kIo, "runc checkpoint ended"), log_);
  EXPECT_TRUE(error.message().contains("'" + log_.string() + "'")) << error.message();
  EXPECT_FALSE(error.message().contains("criu/")) << "raw words are not for people";
  EXPECT_FALSE(error.hint().contains("criu/"));
  for (const char* kept : {"a thing we never saw", "that comes of it", "runc checkpoint ended"})
    EXPECT_TRUE(error.details().contains(kept)) << error.details();
}

}  // namespace
}  // namespace reprise::engine
