// SPDX-License-Identifier: Apache-2.0
//
// What CRIU saved of the mounts of a mount namespace: its image files `mountpoints-N.img`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// runc masks a file by a bind mount of the container's own /dev/null, but has CRIU save it as a
// mount of that name from outside, for which a restore mounts the host's device. From the whole
// contents of such a file: one by which masked files are bound to what they were bound to; nullopt
// where that is so already. kCorrupt if it is anything else.
base::Result<std::optional<std::string>> unhook_masked_files(std::string_view file);

}  // namespace reprise::image
