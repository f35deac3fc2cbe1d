// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "base/result.h"
#include "base/scope_exit.h"

namespace reprise::base {
namespace {

constexpr ErrorCode kAllCodes[] = {
    ErrorCode::kInvalidInput, ErrorCode::kNotFound,    ErrorCode::kGone,
    ErrorCode::kBusy,         ErrorCode::kUnsupported, ErrorCode::kDenied,
    ErrorCode::kCorrupt,      ErrorCode::kIo,          ErrorCode::kInternal};

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return fail(ErrorCode::kInvalidInput, "not a digit");
  return c - '0';
}

Result<int> twice(char c) { return 2 * REPRISE_TRY(parse_digit(c), "doubling"); }

Result<void> check_only(char c) {
  REPRISE_PASS(twice(c));
  return {};
}

TEST(ErrorTest, EveryCodeHasItsOwnNameAndExitCode) {
  std::set<std::string_view> names;
  int expected_exit = 2;
  for (const ErrorCode code : kAllCodes) {
    names.insert(to_string(code));
    EXPECT_EQ(error_code_named(to_string(code)), code);
    EXPECT_EQ(exit_code(code), expected_exit++);
  }
  EXPECT_EQ(names.size(), std::size(kAllCodes));
  EXPECT_EQ(to_string(ErrorCode::kNotFound), "not-found");
  EXPECT_EQ(to_string(ErrorCode::kInternal), "internal");
  EXPECT_EQ(error_code_named("not found"), ErrorCode::kInternal);
}

TEST(ErrorTest, MessageReadsFromTheOutermostStepInwards) {
  const Error error = Error::from_errno(ENOENT, "opening 'cgroup.freeze'")
                          .with_step("freezing the container")
                          .with_step("cannot checkpoint 'web-1'");
  EXPECT_EQ(error.message(),
            "cannot checkpoint 'web-1': freezing the container: opening 'cgroup.freeze': "
            "No such file or directory");
  EXPECT_EQ(error.error_number(), ENOENT);
}

TEST(ErrorTest, DetailsNameThePlaceAndSuppressedErrorsAndMessageDoesNot) {
  const Error error = Error(ErrorCode::kIo, "disk on fire")
                          .with_suppressed(Error(ErrorCode::kBusy, "thaw refused"));
  EXPECT_EQ(error.message(), "disk on fire");
  EXPECT_NE(error.details().find("error_test.cc:"), std::string::npos);
  EXPECT_NE(error.details().find("; also: thaw refused"), std::string::npos);
  ASSERT_EQ(error.suppressed().size(), 1U);
  EXPECT_EQ(error.suppressed().front().code(), ErrorCode::kBusy);
}

TEST(ErrorTest, ErrnoMapsToWhatACallerCanDo) {
  const std::pair<int, ErrorCode> cases[] = {
      {ENOENT, ErrorCode::kNotFound},   {ESRCH, ErrorCode::kGone},
      {EACCES, ErrorCode::kDenied},     {EPERM, ErrorCode::kDenied},
      {EBUSY, ErrorCode::kBusy},        {EAGAIN, ErrorCode::kBusy},
      {ETIMEDOUT, ErrorCode::kBusy},    {ENOSYS, ErrorCode::kUnsupported},
      {ENOSPC, ErrorCode::kIo},         {EOPNOTSUPP, ErrorCode::kUnsupported},
      {ECONNREFUSED, ErrorCode::kGone}, {ECONNRESET, ErrorCode::kGone},
      {EPIPE, ErrorCode::kGone}};
  for (const auto& [error_number, code] : cases)
    EXPECT_EQ(Error::from_errno(error_number, "trying").code(), code) << error_number;
}

TEST(ErrorTest, AFullDiskHasARemedy) {
  for (const int error_number : {ENOSPC, EDQUOT}) {
    EXPECT_TRUE(Error::from_errno(error_number, "writing '/x'").hint().contains("make room"));
    EXPECT_EQ(Error::from_errno(error_number, "x").with_hint("other").hint(), "other");
  }
}

TEST(ErrorTest, AnUnknownErrnoStillHasAText) {
  EXPECT_EQ(Error::from_errno(99999, "trying").message(), "trying: unknown error");
}

TEST(ErrorTest, HintIsKeptApartFromTheMessage) {
  const Error error = Error(ErrorCode::kUnsupported, "too old").with_hint("update it");
  EXPECT_EQ(error.message(), "too old");
  EXPECT_EQ(error.hint(), "update it");
}

TEST(ResultTest, TryYieldsTheValueOrReturnsTheErrorWithItsStep) {
  EXPECT_EQ(twice('4').value(), 8);
  const Result<int> failed = twice('x');
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "doubling: not a digit");
  EXPECT_EQ(failed.error().code(), ErrorCode::kInvalidInput);
}

TEST(ResultTest, PassAddsNoStep) {
  EXPECT_TRUE(check_only('4'));
  EXPECT_EQ(check_only('x').error().message(), "doubling: not a digit");
}

TEST(ResultDeathTest, ABrokenInvariantEndsTheProcessAndNamesIt) {
  EXPECT_DEATH(REPRISE_ASSERT(1 + 1 == 3), "broken invariant '1 \\+ 1 == 3'");
}

TEST(ScopeExitTest, RunsUnlessDismissed) {
  int runs = 0;
  {
    const ScopeExit undo([&] { ++runs; });
    ScopeExit dismissed([&] { runs += 100; });
    dismissed.dismiss();
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace reprise::base
