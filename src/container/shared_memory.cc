// SPDX-License-Identifier: Apache-2.0
#include "container/shared_memory.h"

#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <sstream>
#include <utility>

namespace reprise::container {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

constexpr const char* kAttribute = "trusted.reprise.memory";
constexpr const char* kFiller = "trusted.reprise.filled-by";

}  // namespace

Result<std::optional<std::string>> memory_mark(const std::filesystem::path& directory) {
  return read_mark(directory, kAttribute);
}

Result<void> set_memory_mark(const std::filesystem::path& directory, const std::string& mark) {
  return write_mark(directory, kAttribute, mark);
}

Result<void> remove_memory_mark(const std::filesystem::path& directory) {
  return remove_mark(directory, kAttribute);
}

Result<void> note_filler(const std::filesystem::path& directory, const std::string& session) {
  return write_mark(directory, kFiller, session);
}

Result<bool> is_filled_for(const std::filesystem::path& directory, const std::string& session) {
  return REPRISE_PASS(read_mark(directory, kFiller)) == session;
}

Result<void> forget_filler(const std::filesystem::path& directory) {
  return remove_mark(directory, kFiller);
}

Result<void> remove_mark(const std::filesystem::path& directory, const char* attribute) {
  if (::removexattr(directory.c_str(), attribute) == 0 || errno == ENODATA || errno == EOPNOTSUPP)
    return {};
  return fail_errno(errno, "removing the mark of '" + directory.string() + "'");
}

Result<std::optional<std::string>> read_mark(const std::filesystem::path& directory,
                                             const char* attribute) {
  std::array<char, 128> value{};
  const ssize_t size = ::getxattr(directory.c_str(), attribute, value.data(), value.size());
  if (size >= 0)
    return std::optional<std::string>(std::in_place, value.data(), static_cast<std::size_t>(size));
  if (errno == ENODATA || errno == EOPNOTSUPP) return std::nullopt;
  return fail_errno(errno, "reading the mark of '" + directory.string() + "'");
}

Result<void> write_mark(const std::filesystem::path& directory, const char* attribute,
                        const std::string& mark) {
  if (::setxattr(directory.c_str(), attribute, mark.data(), mark.size(), 0) == 0) return {};
  if (errno == EOPNOTSUPP)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "'" + directory.string() + "' takes no extended attributes")
            .with_hint(
                "use a file system that has them (ext4, XFS; tmpfs with CONFIG_TMPFS_XATTR)"));
  return fail_errno(errno, "marking '" + directory.string() + "'");
}

MemoryCopy memory_copy_now(std::string mark) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return {.mark = std::move(mark), .boot_time_ns = now.tv_sec * kNanoseconds + now.tv_nsec};
}

std::string encode(const MemoryCopy& copy) {
  return copy.mark + " " + std::to_string(copy.boot_time_ns) + "\n";
}

Result<MemoryCopy> decode_memory_copy(std::string_view text) {
  std::istringstream fields{std::string(text)};
  MemoryCopy copy;
  if (!(fields >> copy.mark >> copy.boot_time_ns))
    return fail(ErrorCode::kCorrupt, "unreadable identity of shared memory");
  return copy;
}

}  // namespace reprise::container
