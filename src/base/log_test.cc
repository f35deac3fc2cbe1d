// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace reprise::base {
namespace {

// Each test is a process of its own under ctest, and resets the process's log when run in one.
class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "reprise-log-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string file() const { return directory_ + "/log"; }
  [[nodiscard]] std::vector<nlohmann::json> lines() const {
    std::vector<nlohmann::json> result;
    std::ifstream stream(file());
    for (std::string line; std::getline(stream, line);)
      result.push_back(nlohmann::json::parse(line));
    return result;
  }

  std::string directory_;
};

TEST_F(LogTest, WritesOneJsonObjectPerLineAtOnce) {
  open_log(file());
  const UnixMillis before = now_unix_millis();
  log(LogLevel::kInfo, "frozen", {{"op", "s1"}, {"step", "freeze"}});
  log(LogLevel::kBug, "second\nline");
  const std::vector<nlohmann::json> written = lines();
  ASSERT_EQ(written.size(), 2U);
  EXPECT_EQ(written[0]["level"], "info");
  EXPECT_EQ(written[0]["msg"], "frozen");
  EXPECT_EQ(written[0]["op"], "s1");
  EXPECT_EQ(written[0]["step"], "freeze");
  EXPECT_GE(written[0]["time_ms"].get<UnixMillis>(), before);
  const auto time = written[0]["time"].get<std::string>();
  EXPECT_EQ(time.size(), std::string("2026-11-23T23:20:15.042Z").size()) << time;
  EXPECT_EQ(from_iso8601(time).value_or(0) / 1000, written[0]["time_ms"].get<UnixMillis>() / 1000);
  EXPECT_EQ(written[1]["level"], "bug");
  EXPECT_EQ(written[1]["msg"], "second\nline");
}

TEST_F(LogTest, OnlyErrorsAreWarnedOf) {
  open_log(file());
  warn_and_ignore(Result<int>(7), "nothing was lost");
  warn_and_ignore(Result<void>(fail(ErrorCode::kIo, "the disk is gone")), "its size is not known");
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines()[0]["level"], "warn");
  EXPECT_EQ(lines()[0]["msg"], "its size is not known, ignoring");
  EXPECT_EQ(lines()[0]["error"], "the disk is gone");
}

TEST_F(LogTest, AppendsAndIsPrivate) {
  open_log(file());
  log(LogLevel::kWarn, "one");
  open_log(file());
  log(LogLevel::kWarn, "two");
  EXPECT_EQ(lines().size(), 2U);
  struct stat info{};
  ASSERT_EQ(::stat(file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(LogTest, BytesThatAreNoUtf8DoNotLoseTheLine) {
  open_log(file());
  log(LogLevel::kError, "bad \xff byte");
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines()[0]["level"], "error");
}

TEST_F(LogTest, WithoutALogNothingHappens) {
  testing::internal::CaptureStderr();
  log(LogLevel::kError, "nobody listens");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// The umask was left at 0077 when the file could not be opened, and with it every file that the
// process created afterwards.
TEST_F(LogTest, AFileThatCannotBeOpenedLeavesTheUmaskAlone) {
  std::ofstream(directory_ + "/plain") << "x";
  const mode_t old = ::umask(0022);
  open_log(directory_ + "/plain/log");
  EXPECT_EQ(::umask(old), 0022U);
  log(LogLevel::kError, "dropped");
}

// The logging library reports its own failures on stderr, which belongs to the runtime's caller:
// conmon would have put them into the container's log.
TEST_F(LogTest, AFullDiskWritesNothingToStderr) {
  open_log("/dev/full");
  testing::internal::CaptureStderr();
  log(LogLevel::kError, "cannot be written");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace reprise::base
