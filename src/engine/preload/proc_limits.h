// SPDX-License-Identifier: Apache-2.0
//
// Reads /proc/PID/limits without allocating, for the library that is preloaded into CRIU.
#pragma once

#include <sys/resource.h>

#include <optional>
#include <string_view>

namespace reprise::engine::preload {

// "unlimited" or a number at the front of `text`, after blanks; takes it off `text`.
constexpr std::optional<rlim64_t> take_limit(std::string_view& text) noexcept {
  constexpr std::string_view kUnlimited = "unlimited";
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text.starts_with(kUnlimited)) {
    text.remove_prefix(kUnlimited.size());
    return RLIM64_INFINITY;
  }
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  rlim64_t value = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    value = value * 10 + static_cast<rlim64_t>(text.front() - '0');
    text.remove_prefix(1);
  }
  return value;
}

// The limit of `resource` (RLIMIT_NOFILE, …) in the text of /proc/PID/limits. nullopt if it is not
// in there. The kernel prints a heading, then one line per resource in the order of their numbers,
// with values from column 26 on (fs/proc/base.c, proc_pid_limits).
constexpr std::optional<rlimit64> find_limit(std::string_view text, int resource) noexcept {
  constexpr std::size_t kNameWidth = 26;
  if (resource < 0) return std::nullopt;
  for (int line = 0; line <= resource; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  if (text.size() < kNameWidth || !text.starts_with("Max ")) return std::nullopt;
  text.remove_prefix(kNameWidth);
  const std::optional<rlim64_t> soft = take_limit(text);
  const std::optional<rlim64_t> hard = take_limit(text);
  if (!soft || !hard) return std::nullopt;
  return rlimit64{.rlim_cur = *soft, .rlim_max = *hard};
}

}  // namespace reprise::engine::preload
