// SPDX-License-Identifier: Apache-2.0
#include "sys/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <string_view>

#include "sys/files.h"

namespace reprise::sys {

using base::Result;

namespace {

// By a name that the kernel takes.
Result<UniqueFd> open_piece(int root, std::string_view piece, int flags, mode_t mode,
                            const std::string& step) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // glibc has no wrapper for it up to 2.41.
  const long fd = ::syscall(SYS_openat2, root, std::string(piece).c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  const int error_number = errno;
  if (error_number == EXDEV || error_number == ELOOP)
    return base::fail(base::ErrorCode::kDenied,
                      step + ": it leads out of its directory, or through a link");
  return base::fail_errno(error_number, step);
}

Result<UniqueFd> open_below(const UniqueFd& root, const std::string& name, int flags, mode_t mode,
                            const std::string& step) {
  std::string_view rest = name;
  UniqueFd current;
  while (rest.size() >= PATH_MAX) {
    const std::size_t end = rest.rfind('/', PATH_MAX - 1);
    if (end == 0 || end == std::string_view::npos) break;
    const int from = current.valid() ? current.get() : root.get();
    current = REPRISE_PASS(open_piece(from, rest.substr(0, end), O_PATH | O_DIRECTORY, 0, step));
    rest.remove_prefix(end + 1);
  }
  return open_piece(current.valid() ? current.get() : root.get(), rest, flags, mode, step);
}

}  // namespace

Result<UniqueFd> open_beneath(const UniqueFd& root, const std::filesystem::path& name, int flags,
                              mode_t mode) {
  return open_below(root, name.string(), flags, mode, "opening '" + name.string() + "'");
}

Result<UniqueFd> open_beneath(const std::filesystem::path& root, const std::filesystem::path& name,
                              int flags, mode_t mode) {
  const UniqueFd directory = REPRISE_PASS(open_file(root, O_PATH | O_DIRECTORY));
  return open_below(directory, name.string(), flags, mode,
                    "opening '" + name.string() + "' below '" + root.string() + "'");
}

}  // namespace reprise::sys
