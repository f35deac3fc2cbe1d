// SPDX-License-Identifier: Apache-2.0
//
// GNU tar, always with the same options: what one call writes the others must take the same way.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/child.h"

namespace reprise::container {

// Far beyond any copy that makes sense while a container stands still; the session has its own,
// shorter limit. This one only keeps a hung disk from hanging us for ever.
inline constexpr std::chrono::minutes kTarLimit{30};

enum class TarDoes : unsigned char { kCreate, kExtract, kCompare };

// `more` goes behind the options that each such call has.
sys::SpawnOptions tar_command(TarDoes does, const std::filesystem::path& archive,
                              const std::filesystem::path& directory,
                              const std::vector<std::string>& more = {});
// Prints the names of what is in `archive`, one a line, as unescaped() reads them.
std::vector<std::string> tar_list_command(const std::filesystem::path& archive);

// kIo, with what tar said.
base::Error tar_error(const std::string& step, const sys::RunResult& done);

}  // namespace reprise::container
