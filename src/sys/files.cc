// SPDX-License-Identifier: Apache-2.0
#include "sys/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/scope_exit.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

std::string quoted(const path& p) { return "'" + p.string() + "'"; }

Result<void> write_all(int fd, std::string_view data, const path& file) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "writing " + quoted(file));
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> sync_fd(int fd, const path& file) {
  if (::fsync(fd) != 0) return fail_errno(errno, "syncing " + quoted(file));
  return {};
}

// A name of its own for each process and each call.
path temporary_beside(const path& file) {
  static std::atomic<unsigned> calls = 0;
  return file.string() + ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(calls++);
}

path parent_of(const path& p) { return p.has_parent_path() ? p.parent_path() : path("."); }

}  // namespace

Result<UniqueFd> open_file(const path& file, int flags, mode_t mode) {
  UniqueFd fd(::open(file.c_str(), flags | O_CLOEXEC, mode));
  if (!fd.valid()) return fail_errno(errno, "opening " + quoted(file));
  return fd;
}

Result<UniqueFd> duplicate(const UniqueFd& fd) {
  UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return fail_errno(errno, "duplicating a descriptor");
  return copy;
}

Result<std::string> read_file(const path& file, std::size_t limit) {
  UniqueFd fd = REPRISE_PASS(open_file(file, O_RDONLY));
  constexpr std::size_t kChunk = 65536;
  std::string text;
  for (;;) {
    const std::size_t old = text.size();
    text.resize(old + kChunk);
    const ssize_t n = ::read(fd.get(), text.data() + old, kChunk);
    if (n < 0 && errno != EINTR) return fail_errno(errno, "reading " + quoted(file));
    text.resize(old + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n == 0) return text;
    if (text.size() > limit)
      return fail(ErrorCode::kInvalidInput,
                  quoted(file) + " is larger than " + std::to_string(limit) + " bytes");
  }
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "reading at byte " + std::to_string(offset + done));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "writing at byte " + std::to_string(offset));
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> write_control_file(const path& file, std::string_view value) {
  UniqueFd fd = REPRISE_PASS(open_file(file, O_WRONLY));
  // The kernel parses each write on its own, so a short or repeated write would be another command.
  const ssize_t n = ::write(fd.get(), value.data(), value.size());
  const std::string doing = "writing '" + std::string(value) + "' to " + quoted(file);
  if (n < 0) return fail_errno(errno, doing);
  if (n != static_cast<ssize_t>(value.size()))
    return fail(ErrorCode::kIo, doing + ": only " + std::to_string(n) + " of " +
                                    std::to_string(value.size()) + " bytes were taken");
  return {};
}

Result<void> replace_file(const path& file, std::string_view contents, mode_t mode) {
  const path temporary = temporary_beside(file);
  base::ScopeExit remove_temporary([&] { ::unlink(temporary.c_str()); });
  {
    UniqueFd fd = REPRISE_PASS(open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    REPRISE_PASS(write_all(fd.get(), contents, temporary));
    REPRISE_PASS(sync_fd(fd.get(), temporary));
  }
  if (::rename(temporary.c_str(), file.c_str()) != 0)
    return fail_errno(errno, "renaming " + quoted(temporary) + " to " + quoted(file));
  remove_temporary.dismiss();
  return sync_path(parent_of(file));
}

Result<void> create_file(const path& file, std::string_view contents, mode_t mode) {
  const UniqueFd fd = REPRISE_TRY(open_file(parent_of(file), O_WRONLY | O_TMPFILE, mode),
                                  "creating " + quoted(file));
  REPRISE_PASS(write_all(fd.get(), contents, file));
  REPRISE_PASS(sync_fd(fd.get(), file));
  // By its name in /proc: AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH.
  const std::string unnamed = "/proc/self/fd/" + std::to_string(fd.get());
  if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, file.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    if (errno == EEXIST) return fail(ErrorCode::kInvalidInput, quoted(file) + " exists already");
    return fail_errno(errno, "creating " + quoted(file));
  }
  return sync_path(parent_of(file));
}

Result<void> make_directories(const path& directory, mode_t mode) {
  if (directory.empty()) return {};
  if (::mkdir(directory.c_str(), mode) == 0) return {};
  if (errno == ENOENT && directory.has_parent_path() && directory.parent_path() != directory) {
    REPRISE_PASS(make_directories(directory.parent_path(), mode));
    if (::mkdir(directory.c_str(), mode) == 0) return {};
  }
  const int error_number = errno;
  std::error_code ignored;
  if (error_number == EEXIST && fs::is_directory(directory, ignored)) return {};
  return fail_errno(error_number, "making directory " + quoted(directory));
}

Result<void> make_directories_durably(const path& directory, mode_t mode) {
  std::error_code ignored;
  path existing = parent_of(directory);
  while (!fs::exists(existing, ignored) && existing.has_relative_path())
    existing = parent_of(existing);
  REPRISE_PASS(make_directories(directory, mode));
  // The first is always synced: whoever made `directory` may not have come to it yet.
  path parent = parent_of(directory);
  for (; parent != existing; parent = parent_of(parent)) REPRISE_PASS(sync_path(parent));
  return sync_path(existing);
}

Result<void> sync_path(const path& file_or_directory) {
  UniqueFd fd = REPRISE_PASS(open_file(file_or_directory, O_RDONLY));
  return sync_fd(fd.get(), file_or_directory);
}

Result<void> sync_tree(const path& directory) {
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code status_error;
    const fs::file_status status = entry->symlink_status(status_error);
    if (status_error) return fail_errno(status_error.value(), "reading " + quoted(entry->path()));
    if (fs::is_regular_file(status) || fs::is_directory(status))
      REPRISE_PASS(sync_path(entry->path()));
  }
  if (error) return fail_errno(error.value(), "listing " + quoted(directory));
  return sync_path(directory);
}

Result<void> remove_tree(const path& file_or_directory) {
  std::error_code error;
  fs::remove_all(file_or_directory, error);
  if (error) return fail_errno(error.value(), "removing " + quoted(file_or_directory));
  return {};
}

Result<void> empty_directory(const path& directory) {
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    REPRISE_PASS(remove_tree(entry->path()));
  if (error) return fail_errno(error.value(), "emptying " + quoted(directory));
  return {};
}

Result<void> rename_durably(const path& from, const path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    const int error_number = errno == ENOTEMPTY || errno == EEXIST ? EBUSY : errno;
    return fail_errno(error_number, "renaming " + quoted(from) + " to " + quoted(to));
  }
  REPRISE_PASS(sync_path(parent_of(to)));
  return sync_path(parent_of(from));
}

std::uint64_t tree_bytes(const path& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (fs::is_regular_file(entry->symlink_status(ignored))) {
      const std::uintmax_t size = entry->file_size(ignored);
      if (!ignored) bytes += size;
    }
  }
  return bytes;
}

Result<std::uint64_t> free_bytes(const path& directory) {
  struct statvfs info{};
  if (::statvfs(directory.c_str(), &info) != 0)
    return fail_errno(errno, "asking for the free space of " + quoted(directory));
  return std::uint64_t{info.f_bfree} * info.f_frsize;
}

Result<path> executable_directory() {
  std::error_code error;
  const path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return fail_errno(error.value(), "reading '/proc/self/exe'");
  return self.parent_path();
}

Result<std::vector<std::string>> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) return fail_errno(error.value(), "listing '" + directory.string() + "'");
  std::ranges::sort(names);
  return names;
}

}  // namespace reprise::sys
