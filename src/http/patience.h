// SPDX-License-Identifier: Apache-2.0
//
// How long we put up with a side that does not answer.
#pragma once

#include <chrono>

namespace reprise::http {

// A request is tried `tries` times; between them we wait `backoff`, twice as long each time, up to
// kLongestBackoff, each a random part of it shorter. So it ends, at the latest after
// tries * (connect + stall + what the bytes take) and the waits: with the defaults, of a side that
// never answers, in under four minutes.
struct Patience {
  static constexpr std::chrono::milliseconds kLongestBackoff{10'000};

  std::chrono::milliseconds connect{10'000};
  // A try is given up when on average less than 1 KB per second has moved for so long.
  std::chrono::seconds stall{30};
  int tries = 5;
  std::chrono::milliseconds backoff{250};
};

}  // namespace reprise::http
