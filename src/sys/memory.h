// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprise::sys {

// Bytes that the kernel could give to new programs without swapping: MemAvailable, proc(5). 0 if
// that is not known.
std::uint64_t available_memory();

}  // namespace reprise::sys
