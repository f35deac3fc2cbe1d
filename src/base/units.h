// SPDX-License-Identifier: Apache-2.0
//
// Sizes and times as people are told them.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::base {

// "52.1 MB": decimal units, one digit after the point from kB on.
std::string format_bytes(std::uint64_t bytes);

// Milliseconds as "0.41 s", from a minute on "2 min 5 s", from an hour on "3 h 20 min".
std::string format_duration(std::int64_t ms);

}  // namespace reprise::base
