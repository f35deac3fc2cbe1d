// SPDX-License-Identifier: Apache-2.0
#include "container/termination_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::container {
namespace {

namespace fs = std::filesystem;

class TerminationLogTest : public ::testing::Test {
 protected:
  TerminationLog read() { return read_termination_log(file_).value(); }
  std::string text() { return sys::read_file(file_).value(); }

  sys::TestDirectory scratch_;
  fs::path file_ = scratch_.file("849c929d", "");
  fs::path other_ = scratch_.file("other", "of somebody else");
};

TEST_F(TerminationLogTest, WhatWasSaidIsSaidAgain) {
  EXPECT_TRUE(read().text.empty());
  std::ofstream(file_) << "out of luck";
  const auto log = read();
  EXPECT_EQ(log.text, "out of luck");
  EXPECT_EQ(log.begin, 0U);
  std::ofstream(file_) << "something longer, of the new pod";
  ASSERT_TRUE(write_termination_log(file_, log));
  EXPECT_EQ(text(), "out of luck");
}

TEST_F(TerminationLogTest, OfALongOneTheEndIsKeptWhereItWas) {
  fs::resize_file(file_, std::uintmax_t{5} << 30);
  std::ofstream(file_, std::ios::app) << "the end";
  const auto log = read();
  EXPECT_EQ(log.text.size(), kTerminationLogKept);
  EXPECT_TRUE(log.text.ends_with("the end"));
  fs::resize_file(file_, 0);
  ASSERT_TRUE(write_termination_log(file_, log));
  EXPECT_EQ(fs::file_size(file_), (std::uintmax_t{5} << 30) + 7);
  EXPECT_EQ(read().text, log.text);
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  constexpr int kBlock = 512;
  EXPECT_LE(status.st_blocks * kBlock, 1 << 20);  // a hole takes nothing
}

TEST_F(TerminationLogTest, WhereNoFileIsSoLongTheTextAloneIsWritten) {
  for (const std::uint64_t begin : {std::uint64_t{std::numeric_limits<std::int64_t>::max()} - 2,
                                    std::numeric_limits<std::uint64_t>::max()}) {
    ASSERT_TRUE(write_termination_log(file_, {.begin = begin, .text = "the end"}));
    EXPECT_EQ(text(), "the end");
  }
}

TEST_F(TerminationLogTest, WhatIsNoFileHoldsNothingAndIsLeftAlone) {
  const TerminationLog log{.begin = 0, .text = "x"};
  const auto holds_nothing = [this, &log] {
    const auto found = read_termination_log(file_);
    return found && found->text.empty() && write_termination_log(file_, log);
  };
  fs::remove(file_);
  EXPECT_TRUE(holds_nothing());
  EXPECT_FALSE(fs::exists(file_));
  fs::create_symlink(other_, file_);
  EXPECT_TRUE(holds_nothing());
  EXPECT_EQ(sys::read_file(other_).value(), "of somebody else");
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_TRUE(holds_nothing());
  fs::remove(file_);
  fs::create_directory(file_);
  EXPECT_TRUE(holds_nothing());
}

}  // namespace
}  // namespace reprise::container
