// SPDX-License-Identifier: Apache-2.0
//
// What CRIU saved of a process: its image files `core-TID.img`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

struct CriuLimit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;  // all ones: unlimited
  bool operator==(const CriuLimit&) const = default;
};

// The limits of a process by their numbers (RLIMIT_CPU is 0), from the whole contents of its core
// image; none for a thread that is not the first. kCorrupt if it is anything else.
base::Result<std::vector<CriuLimit>> decode_core_limits(std::string_view file);

}  // namespace reprise::image
