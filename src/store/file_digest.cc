// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>

#include "image/digest.h"
#include "store/internal/stored_files.h"
#include "sys/files.h"

namespace reprise::store {

using base::fail_errno;

Result<std::string> digest_file(const path& file) {
  constexpr std::size_t kBuffer = std::size_t{1} << 20;
  sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NOFOLLOW));
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  image::Digester digester;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.get(), kBuffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "reading '" + file.string() + "'");
    if (n == 0) return digester.hex();
    digester.update(std::span(buffer.get(), static_cast<std::size_t>(n)));
  }
}

Result<void> settle_file(const path& file) {
  sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NOFOLLOW));
  if (::fchmod(fd.get(), sys::kPrivateFile) != 0)
    return fail_errno(errno, "changing the mode of '" + file.string() + "'");
  // Only a head start: file systems without it are served by the fsync alone.
  (void)::sync_file_range(fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  return {};
}

}  // namespace reprise::store
