// SPDX-License-Identifier: Apache-2.0
#include "sys/exists.h"

#include <sys/stat.h>

#include <cerrno>

namespace reprise::sys {

Result<bool> exists(const path& file) {
  struct stat status{};
  if (::lstat(file.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  return base::fail_errno(errno, "looking for '" + file.string() + "'");
}

}  // namespace reprise::sys
