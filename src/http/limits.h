// SPDX-License-Identifier: Apache-2.0
//
// How much a server gives to those who have not shown yet who they are.
#pragma once

#include <chrono>
#include <cstddef>

namespace reprise::http {

// All that a stranger gets. Whoever is trusted may take his time.
struct Limits {
  std::chrono::milliseconds patience{10'000};  // for a handshake with a request's line and headers
  std::chrono::milliseconds idle{5'000};       // between requests, of who may read
  std::size_t header_bytes = std::size_t{16} << 10;  // of a request's line and headers
  std::size_t connections = 256;  // at once, all together: then strangers go, the oldest first
};

}  // namespace reprise::http
