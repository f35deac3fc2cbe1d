// SPDX-License-Identifier: Apache-2.0
//
// What CRIU's log says of a failure.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace reprise::engine {

// Adds to `error` what CRIU's log `file` (dump.log or restore.log) says, where it says anything:
// for people in our words, and where we have none for it the name of that file; CRIU's own words
// are in the details alone.
base::Error with_criu_cause(base::Error error, const std::filesystem::path& file);

// Whether CRIU's log of a restore that failed ends without saying so: it was killed. Not so where
// there is no log, or it cannot be read.
bool was_cut_off(const std::filesystem::path& restore_log);

}  // namespace reprise::engine
