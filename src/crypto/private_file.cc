// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "crypto/internal/private_file.h"
#include "sys/files.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

Result<void> require_private(const sys::UniqueFd& fd, const std::string& quoted,
                             const std::string& named, std::size_t room) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(errno, "looking at " + quoted);
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::kInvalidInput, named + " is not a regular file");
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return std::unexpected(Error(ErrorCode::kDenied, named + " belongs to another user")
                               .with_hint("chown root " + quoted));
  constexpr mode_t kOthers = 077;
  if ((info.st_mode & kOthers) != 0)
    return std::unexpected(Error(ErrorCode::kDenied, named + " is open to others than its owner")
                               .with_hint("chmod 600 " + quoted));
  if (info.st_size > static_cast<off_t>(room))
    return fail(ErrorCode::kInvalidInput, named + " holds no key or password: it is too long");
  return {};
}

}  // namespace

Result<std::size_t> read_private_file(const std::filesystem::path& file, const char* what,
                                      std::span<std::byte> out) {
  const std::string quoted = "'" + file.string() + "'";
  const std::string named = std::string(what) + " " + quoted;
  // Not blocking, so that a pipe of that name cannot hold us up.
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  REPRISE_PASS(require_private(fd, quoted, named, out.size()));
  return REPRISE_TRY(sys::read_at(fd.get(), 0, out), "reading " + named);
}

}  // namespace reprise::crypto
