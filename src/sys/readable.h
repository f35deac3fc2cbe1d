// SPDX-License-Identifier: Apache-2.0
//
// Waiting for one of two things at once.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::sys {

enum class Readable : std::uint8_t { kFirst, kSecond, kNeither };

// Blocks until one of the descriptors is readable or closed by its other side, or `deadline` has
// passed (kNeither). Where both are, it is the first.
base::Result<Readable> wait_readable(const UniqueFd& first, const UniqueFd& second,
                                     std::chrono::steady_clock::time_point deadline);

}  // namespace reprise::sys
