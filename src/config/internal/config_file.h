// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "sys/environment.h"

namespace reprise::config {

// The one that counts, there or not.
std::filesystem::path file_of(const sys::Environment& environment);
// nullopt: it is not there.
base::Result<std::optional<std::string>> text_of(const std::filesystem::path& file);

}  // namespace reprise::config
