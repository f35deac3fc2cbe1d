// SPDX-License-Identifier: Apache-2.0
#include "container/socket_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <set>
#include <sstream>

#include "sys/beneath.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/walk.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

namespace {

constexpr mode_t kPermissions = 07777;

struct Socket {
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  timespec time{};
  fs::path path;
};

template <typename Number>
bool take_number(std::string_view& text, Number& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

Result<Socket> parse_record(std::string_view record) {
  constexpr int kOctal = 8;
  constexpr int kDecimal = 10;
  Socket socket;
  std::string_view rest = record;
  const bool read =
      take_number(rest, socket.mode, kOctal) && take_number(rest, socket.uid, kDecimal) &&
      take_number(rest, socket.gid, kDecimal) && take_number(rest, socket.time.tv_sec, kDecimal) &&
      take_number(rest, socket.time.tv_nsec, kDecimal);
  socket.path = fs::path(rest);
  const fs::path name = socket.path.filename();
  if (!read || name.empty() || name == "." || name == ".." || (socket.mode & ~kPermissions) != 0)
    return fail(ErrorCode::kCorrupt,
                "the list of sockets has the record '" + std::string(record) + "'");
  return socket;
}

enum class Present : std::uint8_t { kReplace, kKeep };

Result<void> make_socket(const Socket& socket, const fs::path& top, Present present) {
  const auto failed = [&](const char* step) {
    return base::fail_errno(errno, std::string(step) + " socket '" + socket.path.string() + "'");
  };
  const fs::path parent = socket.path.has_parent_path() ? socket.path.parent_path() : ".";
  const sys::UniqueFd directory =
      REPRISE_PASS(sys::open_beneath(top, parent, O_RDONLY | O_DIRECTORY));
  const std::string name = socket.path.filename().string();
  struct stat before{};
  if (::fstat(directory.get(), &before) != 0) return failed("looking at the directory of");
  struct stat there{};
  if (present == Present::kKeep &&
      ::fstatat(directory.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
    return {};
  if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return failed("replacing what is at");
  if (::mknodat(directory.get(), name.c_str(), S_IFSOCK | socket.mode, 0) != 0)
    return failed("making");
  if (::fchownat(directory.get(), name.c_str(), socket.uid, socket.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return failed("giving its owner to");
  // After the owner, since chown takes away setuid bits, and past the umask.
  if (::fchmodat(directory.get(), name.c_str(), socket.mode, 0) != 0)
    return failed("giving its mode to");
  const std::array<timespec, 2> times{socket.time, socket.time};
  if (::utimensat(directory.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return failed("giving its time to");
  const std::array<timespec, 2> old_times{before.st_atim, before.st_mtim};
  if (::futimens(directory.get(), old_times.data()) != 0)
    return failed("giving back its time to the directory of");
  return {};
}

// With `prefix` before each path.
Result<std::string> list_below(const fs::path& directory, const fs::path& prefix) {
  struct stat top{};
  if (::lstat(directory.c_str(), &top) != 0)
    return base::fail_errno(errno, "looking at '" + directory.string() + "'");
  std::ostringstream list;
  REPRISE_PASS(sys::walk_tree(directory, [&](const sys::WalkEntry& entry) -> Result<sys::Descend> {
    const struct stat& info = entry.status;
    if (S_ISSOCK(info.st_mode))
      list << std::oct << (info.st_mode & kPermissions) << std::dec << ' ' << info.st_uid << ' '
           << info.st_gid << ' ' << info.st_mtim.tv_sec << ' ' << info.st_mtim.tv_nsec << ' '
           << (prefix / entry.path).string() << '\0';
    return info.st_dev == top.st_dev ? sys::Descend::kYes : sys::Descend::kNo;
  }));
  return list.str();
}

Result<void> make_all(std::string_view list, const fs::path& directory, Present present) {
  while (!list.empty()) {
    const std::size_t end = list.find('\0');
    if (end == std::string_view::npos)
      return fail(ErrorCode::kCorrupt, "the list of sockets is cut off");
    const Socket socket = REPRISE_PASS(parse_record(list.substr(0, end)));
    REPRISE_PASS(make_socket(socket, directory, present));
    list.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

Result<std::string> list_sockets(const fs::path& directory) { return list_below(directory, {}); }

Result<std::string> list_tmpfs_sockets(pid_t init, const std::vector<std::string>& except) {
  const fs::path process = "/proc/" + std::to_string(init);
  const std::string mounts = REPRISE_PASS(sys::read_file(process / "mountinfo"));
  std::set<std::string> seen(except.begin(), except.end());
  std::string list;
  for (const sys::Mount& mount : sys::parse_mountinfo(mounts)) {
    if (mount.type != "tmpfs" || mount.root != "/" || !seen.insert(mount.mount_point).second)
      continue;
    const fs::path relative = fs::path(mount.mount_point).relative_path();
    const fs::path directory = process / "root" / relative;
    struct statfs there{};
    const bool visible = ::statfs(directory.c_str(), &there) == 0;
    if (!visible && errno != ENOENT && errno != ENOTDIR)
      return base::fail_errno(errno, "looking at '" + directory.string() + "'");
    // Else something else is mounted over it.
    if (visible && there.f_type == TMPFS_MAGIC)
      list += REPRISE_PASS(list_below(directory, relative));
  }
  return list;
}

Result<void> make_sockets(std::string_view list, const fs::path& directory) {
  return make_all(list, directory, Present::kReplace);
}

Result<void> make_missing_sockets(std::string_view list, const fs::path& directory) {
  return make_all(list, directory, Present::kKeep);
}

}  // namespace reprise::container
