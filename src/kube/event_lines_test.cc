// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/event_lines.h"

#include <gtest/gtest.h>

#include <vector>

#include "kube/internal/request_pace.h"

namespace reprise::kube {
namespace {

TEST(EventLines, AreTheSameHoweverTheyAreCut) {
  const std::string text = "one\n\ntwo\r\nthree\nnot whole";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    EventLines lines;
    std::vector<std::string> got;
    for (std::size_t at = 0; at < text.size(); at += size)
      ASSERT_TRUE(lines.add(text.substr(at, size), [&](std::string_view line) -> Result<void> {
        got.emplace_back(line);
        return {};
      }));
    EXPECT_EQ(got, (std::vector<std::string>{"one", "two\r", "three"})) << size;
  }
}

TEST(EventLines, OneWithoutEndIsRefused) {
  EventLines lines;
  const std::string piece(EventLines::kLongest / 2, 'x');
  const auto none = [](std::string_view) -> Result<void> { return {}; };
  EXPECT_TRUE(lines.add(piece, none));
  EXPECT_TRUE(lines.add(piece, none));
  EXPECT_EQ(lines.add("x", none).error().code(), base::ErrorCode::kCorrupt);
}

TEST(RequestPace, LetsABurstGoAndThenSoManyPerSecond) {
  RequestPace pace(10, 3);
  const auto now = RequestPace::Clock::now();
  using std::chrono::milliseconds;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pace.reserve(now), milliseconds{0});
  EXPECT_EQ(pace.reserve(now), milliseconds{100});
  EXPECT_EQ(pace.reserve(now), milliseconds{200});
  EXPECT_EQ(pace.reserve(now + std::chrono::seconds{60}), milliseconds{0});
}

TEST(RequestPace, WaitingEndsWithAStop) {
  RequestPace pace(0.01, 1);
  std::atomic<bool> stop = false;
  EXPECT_TRUE(pace.take(&stop));
  stop = true;
  EXPECT_FALSE(pace.take(&stop));
}

}  // namespace
}  // namespace reprise::kube
