// SPDX-License-Identifier: Apache-2.0
//
// Sizes in CRIU's list of open files, its image file `files.img`.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// CRIU refuses an open file that has another size than at the checkpoint. From the whole contents
// of such a list: one by which `files` (paths in the container) may have any; nullopt where none of
// them is in it. kCorrupt if it is anything else.
base::Result<std::optional<std::string>> forget_sizes(std::string_view file,
                                                      const std::set<std::string>& files);

}  // namespace reprise::image
