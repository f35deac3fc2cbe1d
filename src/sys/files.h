// SPDX-License-Identifier: Apache-2.0
//
// Files and directories: every descriptor close-on-exec, every error with its path.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::sys {

using base::Result;
using std::filesystem::path;

inline constexpr mode_t kPrivateFile = 0600;
inline constexpr mode_t kPrivateDir = 0700;

// open(2) with O_CLOEXEC added.
Result<UniqueFd> open_file(const path& file, int flags, mode_t mode = kPrivateFile);

// dup(2) with O_CLOEXEC.
Result<UniqueFd> duplicate(const UniqueFd& fd);

// Whole contents. Works for /proc and cgroup files, whose size reads as 0. Refuses more than
// `limit` bytes with kInvalidInput.
inline constexpr std::size_t kReadLimit = std::size_t{64} << 20;
Result<std::string> read_file(const path& file, std::size_t limit = kReadLimit);

// pread(2) until `out` is full or the file ends; returns how many bytes there were. The error does
// not name the file, which the descriptor does not know; here and in write_at().
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> out);
// pwrite(2) until all is written.
Result<void> write_at(int fd, std::uint64_t offset, std::span<const std::byte> bytes);

// Writes into an existing control file (cgroup, sysctl) with a single write(2).
Result<void> write_control_file(const path& file, std::string_view value);

// Replaces `file` atomically: temporary name, fsync, rename, fsync of the directory. After a
// failure or a crash the old contents stand.
Result<void> replace_file(const path& file, std::string_view contents, mode_t mode = kPrivateFile);

// Makes `file`, whole and durable, in a directory that exists. Never replaces: kInvalidInput if
// something is there already. After a failure or a crash there is the whole file or none, and never
// a part of it under another name. kUnsupported on file systems without O_TMPFILE (NFS).
Result<void> create_file(const path& file, std::string_view contents, mode_t mode = kPrivateFile);

// mkdir -p. Existing directories are left as they are.
Result<void> make_directories(const path& directory, mode_t mode = kPrivateDir);
// The same, and durable: what is made below and synced cannot be lost with a parent.
Result<void> make_directories_durably(const path& directory, mode_t mode = kPrivateDir);

// Makes one file or directory durable.
Result<void> sync_path(const path& file_or_directory);

// Makes everything below `directory`, and `directory` itself, durable. Blocks as long as the disk
// needs. Does not follow symbolic links and does not open devices, sockets or pipes.
Result<void> sync_tree(const path& directory);

// rm -r; a missing path is success. Follows no symbolic links. Goes into what is mounted below:
// callers make sure that nothing is.
Result<void> remove_tree(const path& file_or_directory);
// The same for all that lies in `directory`, which stays, with its owner and mode.
Result<void> empty_directory(const path& directory);

// rename(2), then fsync of both parent directories. kBusy if `to` is a non-empty directory.
Result<void> rename_durably(const path& from, const path& to);

// Sum of the sizes (st_size) of all regular files below `directory`; 0 if there is none.
std::uint64_t tree_bytes(const path& directory);

// Space that root may still use on the file system of `directory`, in bytes.
Result<std::uint64_t> free_bytes(const path& directory);

// Directory in which the running executable lies.
Result<path> executable_directory();

// The names in a directory, sorted. kNotFound if it does not exist.
Result<std::vector<std::string>> names_in(const std::filesystem::path& directory);

}  // namespace reprise::sys
