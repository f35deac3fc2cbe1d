// SPDX-License-Identifier: Apache-2.0
//
// UNIX sockets in CRIU's list of open files, its image file `files.img`.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::image {

// The contents `file` of such an image, in which the files of the sockets with these inode numbers
// are not deleted: so that CRIU leaves them under the names that it binds them to. The rest stays
// as it is. kCorrupt if it is anything else.
base::Result<std::string> keep_socket_files(std::string_view file,
                                            const std::set<std::uint64_t>& inodes);

}  // namespace reprise::image
