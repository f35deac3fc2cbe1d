// SPDX-License-Identifier: Apache-2.0
//
// Versions of the tools that a checkpoint was made with.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::session {

// "4.2.1"; kUnsupported with a remedy if CRIU is missing or does not run.
base::Result<std::string> criu_version();

// First line of `runc --version`, or empty.
std::string runtime_version(const std::filesystem::path& runc);

}  // namespace reprise::session
