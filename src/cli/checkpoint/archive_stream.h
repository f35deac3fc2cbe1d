// SPDX-License-Identifier: Apache-2.0
//
// The FILE of `checkpoint export` and `import`: a path, or "-" for standard output or input.
#pragma once

#include <string>

#include "base/result.h"
#include "operations/transfer/archive_file.h"
#include "sys/unique_fd.h"

namespace reprise::cli {

inline constexpr const char* kStandardStream = "-";

// kInvalidInput for "-" if that is a terminal.
base::Result<operations::ArchiveOutput> create_archive(const std::string& file);
base::Result<sys::UniqueFd> open_archive(const std::string& file);

}  // namespace reprise::cli
