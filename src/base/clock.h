// SPDX-License-Identifier: Apache-2.0
//
// Wall-clock time as we store it, and the stopwatch for phases.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::base {

// Milliseconds since the epoch, UTC. The unit of every time in manifests and the catalog.
using UnixMillis = std::int64_t;

UnixMillis now_unix_millis();

// "2026-11-23T23:20:15Z".
std::string to_iso8601(UnixMillis time);

// The same back, with or without a fraction of a second, as S3 writes times; nullopt for anything
// else.
std::optional<UnixMillis> from_iso8601(std::string_view text);

// How long ago, for people: "12 s", "3 min", "5 h", "2 d".
std::string to_age(UnixMillis time, UnixMillis now);

// Measures from its construction, on the monotonic clock.
class Stopwatch {
 public:
  [[nodiscard]] std::int64_t elapsed_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace reprise::base
