// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>

namespace reprise::base {
namespace {

constexpr UnixMillis kSecond = 1000;
constexpr UnixMillis kMinute = 60 * kSecond;
constexpr UnixMillis kHour = 60 * kMinute;
constexpr UnixMillis kDay = 24 * kHour;

TEST(ClockTest, NowAgreesWithTheSystemClock) {
  const UnixMillis before = static_cast<UnixMillis>(std::time(nullptr)) * kSecond;
  const UnixMillis now = now_unix_millis();
  EXPECT_GE(now, before);
  EXPECT_LT(now, before + kMinute);
}

TEST(ClockTest, Iso8601IsInUtcWhateverTheTimeZone) {
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::tzset();
  EXPECT_EQ(to_iso8601(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_iso8601(1795476015999), "2026-11-23T23:20:15Z");
}

// Times come from manifests, which may be damaged: an absurd one must not end the process.
TEST(ClockTest, Iso8601TakesEveryValue) {
  EXPECT_FALSE(to_iso8601(std::numeric_limits<UnixMillis>::max()).empty());
  EXPECT_FALSE(to_iso8601(std::numeric_limits<UnixMillis>::min()).empty());
}

TEST(ClockTest, Iso8601IsReadAsOthersWriteIt) {
  EXPECT_EQ(from_iso8601("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(from_iso8601("2026-11-23T23:20:15Z"), 1795476015000);
  EXPECT_EQ(from_iso8601("2026-11-23T23:20:15.999Z"), 1795476015999);
  EXPECT_EQ(from_iso8601("2026-11-23T23:20:15.5Z"), 1795476015500);
  EXPECT_EQ(from_iso8601("2026-11-23T23:20:15.123456789Z"), 1795476015123);
  for (const char* text :
       {"", "Z", "2026-11-23", "2026-11-23T23:20:15", "2026-11-23T23:20:15.Z",
        "2026-11-23 23:20:15Z", "2026-02-30T00:00:00Z", "2026-11-23T24:20:15Z",
        "2026-11-23T23:20:1xZ", "2026-11-23T23:20:15+01:00", "2026-11-23T23:20:15.1x3Z"})
    EXPECT_EQ(from_iso8601(text), std::nullopt) << text;
}

TEST(ClockTest, AgeUsesTheUnitThatPeopleWould) {
  const std::pair<UnixMillis, std::string_view> cases[] = {
      {0, "0 s"},        {119 * kSecond, "119 s"}, {2 * kMinute, "2 min"},
      {kHour, "60 min"}, {2 * kHour, "2 h"},       {2 * kDay - 1, "47 h"},
      {2 * kDay, "2 d"}, {400 * kDay, "400 d"},    {-5 * kSecond, "0 s"}};
  constexpr UnixMillis kNow = 1'800'000'000'000;
  for (const auto& [age, text] : cases) EXPECT_EQ(to_age(kNow - age, kNow), text);
}

TEST(StopwatchTest, NeverRunsBackwards) {
  const Stopwatch stopwatch;
  const std::int64_t first = stopwatch.elapsed_ms();
  EXPECT_GE(first, 0);
  EXPECT_GE(stopwatch.elapsed_ms(), first);
}

}  // namespace
}  // namespace reprise::base
