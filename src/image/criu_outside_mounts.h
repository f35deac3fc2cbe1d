// SPDX-License-Identifier: Apache-2.0
//
// Mounts whose source CRIU found deleted, in its image files `mountpoints-N.img`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// The source of a mount from outside may be replaced while the container runs: an editor renames a
// new file into place, a deploy makes a directory anew. CRIU notes that the mounted one was
// deleted, and makes one for the restore, which fails, since there is one. From the whole contents
// of such a file: one by which mounts from outside are bound to what is there now; nullopt where
// that is so already. kCorrupt if it is anything else.
base::Result<std::optional<std::string>> forget_deleted_sources(std::string_view file);

}  // namespace reprise::image
