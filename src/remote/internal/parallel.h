// SPDX-License-Identifier: Apache-2.0
//
// The same work on many things, several at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "base/result.h"

namespace reprise::remote {

// Calls `work(index)` for each index below `count` from up to `threads` threads and returns when
// none runs any more. After an error no more are begun, `stop` is true, and the first error is
// returned.
base::Result<void> for_each(std::size_t count, unsigned threads, std::atomic<bool>& stop,
                            const std::function<base::Result<void>(std::size_t)>& work);

}  // namespace reprise::remote
