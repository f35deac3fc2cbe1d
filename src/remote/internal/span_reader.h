// SPDX-License-Identifier: Apache-2.0
//
// Ranges of an object over HTTP.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "http/client.h"

namespace reprise::remote {

using base::Result;

// Asks with the header `range` and puts the body to `into`.
using ReadRange = std::function<Result<http::Response>(std::string range, std::span<std::byte> into,
                                                       const std::atomic<bool>& stop)>;

// Fills `out` from `offset` on, by several requests at once where it is large. kCorrupt if the
// object ends before.
Result<void> read_span(std::uint64_t offset, std::span<std::byte> out, unsigned parallel,
                       const ReadRange& read_range);

}  // namespace reprise::remote
