// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace reprise::base {

UnixMillis now_unix_millis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string to_iso8601(UnixMillis time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time / 1000)));
}

std::optional<UnixMillis> from_iso8601(std::string_view text) {
  struct Field {
    std::size_t at, digits;
    char before;  // what separates it from the one before
  };
  static constexpr std::array<Field, 6> kFields{
      {{0, 4, 0}, {5, 2, '-'}, {8, 2, '-'}, {11, 2, 'T'}, {14, 2, ':'}, {17, 2, ':'}}};
  constexpr std::size_t kSecondsEnd = 19;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() <= kSecondsEnd || !text.ends_with('Z')) return std::nullopt;
  std::array<int, kFields.size()> values{};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto [at, digits, before] = kFields[i];
    const std::string_view field = text.substr(at, digits);
    if ((i > 0 && text[at - 1] != before) || !std::ranges::all_of(field, is_digit))
      return std::nullopt;
    std::from_chars(field.data(), field.data() + field.size(), values[i]);
  }
  UnixMillis millis = 0;
  std::string_view fraction = text.substr(kSecondsEnd, text.size() - kSecondsEnd - 1);
  if (!fraction.empty()) {
    if (fraction.size() == 1 || fraction[0] != '.' ||
        !std::ranges::all_of(fraction.substr(1), is_digit))
      return std::nullopt;
    const std::string digits = (std::string(fraction.substr(1)) + "00").substr(0, 3);
    std::from_chars(digits.data(), digits.data() + digits.size(), millis);
  }
  const auto [year, month, day, hour, minute, second] = values;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                    std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() +
         millis;
}

std::string to_age(UnixMillis time, UnixMillis now) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t seconds = std::max<std::int64_t>(0, (now - time) / 1000);
  if (seconds < 2 * kMinute) return fmt::format("{} s", seconds);
  if (seconds < 2 * kHour) return fmt::format("{} min", seconds / kMinute);
  if (seconds < 2 * kDay) return fmt::format("{} h", seconds / kHour);
  return fmt::format("{} d", seconds / kDay);
}

}  // namespace reprise::base
