// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

#include "base/scope_exit.h"
#include "crypto/secret.h"
#include "sys/files.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;

SecretText::~SecretText() { wipe(std::as_writable_bytes(std::span(text_))); }

Result<SecretText> read_secret_file(const std::string& file) {
  constexpr std::size_t kLimit = 4096;
  constexpr mode_t kOthers = 077;
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NONBLOCK));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "looking at '" + file + "'");
  if (!S_ISREG(status.st_mode) || status.st_size > static_cast<off_t>(kLimit))
    return fail(ErrorCode::kInvalidInput, "'" + file + "' holds no secret");
  if ((status.st_mode & kOthers) != 0 || (status.st_uid != 0 && status.st_uid != ::geteuid()))
    return std::unexpected(Error(ErrorCode::kDenied, "'" + file + "' can be read by others")
                               .with_hint("chown root '" + file + "'; chmod 600 '" + file + "'"));
  std::array<char, kLimit> buffer{};
  const base::ScopeExit wipes([&] { wipe(std::as_writable_bytes(std::span(buffer))); });
  const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
  if (n < 0) return fail_errno(errno, "reading '" + file + "'");
  std::string_view text(buffer.data(), static_cast<std::size_t>(n));
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) return fail(ErrorCode::kInvalidInput, "'" + file + "' is empty");
  return SecretText(text);
}

}  // namespace reprise::crypto
