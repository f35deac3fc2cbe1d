// SPDX-License-Identifier: Apache-2.0
//
// For tests only: an archive of a file tree that lies on the disk.
#pragma once

#include <fcntl.h>

#include <filesystem>

#include "container/file_tree.h"
#include "sys/files.h"

namespace reprise::container {

inline base::Result<void> archive_into(const std::filesystem::path& directory,
                                       const std::filesystem::path& file) {
  const auto fd = REPRISE_PASS(sys::open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  const std::string sockets = REPRISE_PASS(archive_tree(directory, fd.get()));
  if (sockets.empty()) return {};
  return sys::replace_file(file.string() + kSocketsSuffix, sockets);
}

}  // namespace reprise::container
