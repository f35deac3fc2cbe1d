// SPDX-License-Identifier: Apache-2.0
//
// How much memory a container may have, from its OCI bundle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace reprise::preflight {

struct MemoryLimit {
  std::int64_t memory = 0;  // bytes; not above 0: none
  std::int64_t swap = 0;    // of memory and swap together; below 0: none, 0: not told
};

// Whether memory of that size has room. `host_swaps`: whether the host has swap space, without
// which the limit of that counts for nothing.
bool suffices(const MemoryLimit& limit, std::uint64_t needed, bool host_swaps);

// kCorrupt for text that is not an OCI configuration. Pure.
base::Result<MemoryLimit> parse_memory_limit(std::string_view config);
base::Result<MemoryLimit> load_memory_limit(const std::filesystem::path& bundle);

}  // namespace reprise::preflight
