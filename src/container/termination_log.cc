// SPDX-License-Identifier: Apache-2.0
#include "container/termination_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>
#include <system_error>

#include "sys/files.h"

namespace reprise::container {

using base::Result;
namespace fs = std::filesystem;

namespace {

// Nothing where there is no regular file. What is put there meanwhile is neither followed nor
// waited for.
Result<std::optional<sys::UniqueFd>> open_regular(const fs::path& file, int flags) {
  std::error_code error;
  const fs::file_type type = fs::symlink_status(file, error).type();
  if (type == fs::file_type::none)
    return base::fail_errno(error.value(), "looking at '" + file.string() + "'");
  if (type != fs::file_type::regular) return std::nullopt;
  return REPRISE_PASS(sys::open_file(file, flags | O_NOFOLLOW | O_NONBLOCK));
}

}  // namespace

Result<TerminationLog> read_termination_log(const fs::path& file) {
  const auto fd = REPRISE_PASS(open_regular(file, O_RDONLY));
  TerminationLog log;
  if (!fd) return log;
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0)
    return base::fail_errno(errno, "looking at '" + file.string() + "'");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  log.text.resize(std::min<std::uint64_t>(size, kTerminationLogKept));
  log.begin = size - log.text.size();
  log.text.resize(REPRISE_PASS(
      sys::read_at(fd->get(), log.begin, std::as_writable_bytes(std::span(log.text)))));
  return log;
}

Result<void> write_termination_log(const fs::path& file, const TerminationLog& log) {
  const auto fd = REPRISE_PASS(open_regular(file, O_WRONLY | O_TRUNC));
  if (!fd) return {};
  const auto bytes = std::as_bytes(std::span(log.text));
  if (log.begin > 0) {
    if (sys::write_at(fd->get(), log.begin, bytes)) return {};
    if (::ftruncate(fd->get(), 0) != 0)
      return base::fail_errno(errno, "emptying '" + file.string() + "'");
  }
  return sys::write_at(fd->get(), 0, bytes);
}

}  // namespace reprise::container
