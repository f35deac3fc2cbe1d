// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace reprise::pages {

// What a checkpoint needs of one pack.
struct PackNeed {
  std::string pack;
  std::uint64_t bytes = 0;  // of the blocks that are needed
};

}  // namespace reprise::pages
