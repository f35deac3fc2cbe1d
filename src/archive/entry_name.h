// SPDX-License-Identifier: Apache-2.0
//
// Names in archives that others made: what may pass, and how to show what may not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::archive {

inline constexpr std::size_t kMaxNameLength = 4095;  // PATH_MAX without its NUL
inline constexpr std::size_t kMaxPartLength = 255;   // NAME_MAX
inline constexpr std::size_t kMaxDepth = 256;        // far beyond what people make

// The name without a leading "./" and a trailing '/'; "." for the root itself. kCorrupt, naming it,
// for one that is empty, absolute, longer or deeper than the above, has an empty, "." or ".." part,
// or control characters. Pure, like everything here.
base::Result<std::string> safe_name(std::string_view raw);

// The same of a file of a container's, which may have any characters in its name, as there: only a
// NUL is refused.
base::Result<std::string> safe_file_name(std::string_view raw);

// 'name' for messages: bytes that would disturb a terminal as \xNN, long names cut.
std::string in_ticks(std::string_view name);

// The directory that `name` (a safe one) lies in; "." for one at the top.
std::string_view parent_of(std::string_view name);
std::string_view last_part_of(std::string_view name);

}  // namespace reprise::archive
