// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "attributes/internal/unix_files.h"
#include "sys/beneath.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::attributes {

using base::Result;
namespace fs = std::filesystem;

namespace {

constexpr unsigned long kUnixFile = 0x89e0;  // SIOCUNIXFILE

// The name that it was bound to; empty unless that is a path from the root.
std::string bound_name(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets interface
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      size <= offsetof(sockaddr_un, sun_path))
    return "";
  const std::size_t room = size - offsetof(sockaddr_un, sun_path);
  std::string name(&address.sun_path[0], ::strnlen(&address.sun_path[0], room));
  return name.starts_with('/') ? name : "";
}

// `name` without symbolic links in its directories, as seen from `root`; empty if there is none.
std::string without_links(const fs::path& root, const fs::path& name) {
  const auto top = sys::open_file(root, O_PATH | O_DIRECTORY);
  if (!top) return "";
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const sys::UniqueFd parent(static_cast<int>(
      ::syscall(SYS_openat2, top->get(), name.parent_path().c_str(), &how, sizeof(how))));
  if (!parent.valid()) return "";
  const fs::path directory = sys::link_target("/proc/self/fd/" + std::to_string(parent.get()));
  return directory.empty() ? "" : (directory / name.filename()).string();
}

fs::path below(const fs::path& root, const std::string& name) {
  return root / fs::path(name).relative_path();
}

bool is_file(const fs::path& path, const struct stat& file) {
  struct stat there{};
  return ::lstat(path.c_str(), &there) == 0 && there.st_ino == file.st_ino &&
         there.st_dev == file.st_dev;
}

// All names of the file in the directory of `bound`, but that.
std::vector<std::string> other_names(const fs::path& root, const std::string& bound,
                                     const struct stat& file) {
  std::vector<std::string> names;
  const fs::path directory = fs::path(bound).parent_path();
  std::error_code error;
  fs::directory_iterator entry(below(root, directory.string()), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = (directory / entry->path().filename()).string();
    if (name != bound && is_file(entry->path(), file)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::optional<UnixFile> moved_file(int fd, const fs::path& root) {
  const std::string name = bound_name(fd);
  if (name.empty()) return std::nullopt;
  const sys::UniqueFd file(::ioctl(fd, kUnixFile));
  struct stat status{};
  struct stat socket{};
  if (!file.valid() || ::fstat(file.get(), &status) != 0 || ::fstat(fd, &socket) != 0)
    return std::nullopt;
  std::string now = sys::link_target("/proc/self/fd/" + std::to_string(file.get()));
  constexpr std::string_view kDeleted = " (deleted)";
  const bool deleted = now.ends_with(kDeleted);
  if (deleted) now.resize(now.size() - kDeleted.size());
  UnixFile moved{.socket = socket.st_ino, .bound = deleted ? now : without_links(root, name)};
  if (moved.bound.empty() || (!deleted && now == moved.bound && status.st_nlink == 1))
    return std::nullopt;
  moved.is_there = is_file(below(root, moved.bound), status);
  // Somebody else's: another socket was bound to the same name.
  struct stat other{};
  if (!moved.is_there && ::lstat(below(root, moved.bound).c_str(), &other) == 0)
    return std::nullopt;
  moved.names = other_names(root, moved.bound, status);
  if (!deleted && now != moved.bound && std::ranges::find(moved.names, now) == moved.names.end() &&
      is_file(below(root, now), status))
    moved.names.push_back(std::move(now));
  if (moved.names.empty()) return std::nullopt;
  return moved;
}

Result<void> move_file(const UnixFile& file, const fs::path& root) {
  const auto directory_of = [&](const std::string& name) {
    const fs::path parent = fs::path(name).relative_path().parent_path();
    return sys::open_beneath(root, parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  };
  const auto failed = [](const std::string& name) {
    return base::fail_errno(errno, "naming the socket '" + name + "'");
  };
  const sys::UniqueFd from = REPRISE_PASS(directory_of(file.bound));
  const std::string bound = fs::path(file.bound).filename();
  struct stat status{};
  if (::fstatat(from.get(), bound.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return failed(file.bound);
  for (const std::string& name : file.names) {
    const sys::UniqueFd to = REPRISE_PASS(directory_of(name));
    const std::string other = fs::path(name).filename();
    struct stat there{};
    if (::fstatat(to.get(), other.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        (!S_ISSOCK(there.st_mode) || ::unlinkat(to.get(), other.c_str(), 0) != 0))
      return failed(name);
    if (::linkat(from.get(), bound.c_str(), to.get(), other.c_str(), 0) != 0) return failed(name);
  }
  if (!file.is_there && ::unlinkat(from.get(), bound.c_str(), 0) != 0) return failed(file.bound);
  return {};
}

}  // namespace reprise::attributes
