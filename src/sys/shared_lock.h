// SPDX-License-Identifier: Apache-2.0
//
// A lock on a file that any number may have at once. As long as one has it, nobody gets the file's
// FileLock, and the other way round.
#pragma once

#include <chrono>

#include "sys/file_lock.h"

namespace reprise::sys {

// As FileLock::lock(): waits up to `timeout` for who has the file alone, then kBusy. The file is
// created if missing.
Result<FileLock> lock_shared(const path& file, std::chrono::milliseconds timeout);

}  // namespace reprise::sys
