// SPDX-License-Identifier: Apache-2.0
//
// Where CRIU is told that its page server is. A broadcast address: connect(2) of TCP fails there
// with ENETUNREACH, so memory never goes to a stranger.
#pragma once

#include <cstdint>

namespace reprise::engine::preload {

inline constexpr const char* kPageServerAddress = "255.255.255.255";
inline constexpr std::uint32_t kPageServerAddressBits = 0xffffffff;
inline constexpr std::uint16_t kPageServerPort = 1;
// Names the socket that it really is.
inline constexpr const char* kPageServerVariable = "REPRISE_PAGE_SERVER";

}  // namespace reprise::engine::preload
