// SPDX-License-Identifier: Apache-2.0
#include "container/inotify_watches.h"

#include <fts.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <array>
#include <charconv>
#include <memory>
#include <optional>

#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::container {

namespace {

// The hexadecimal number behind `name` in a line such as "inotify wd:1 ino:9e7e sdev:800013 …".
std::optional<std::uint64_t> field(std::string_view line, std::string_view name) {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = line.data() + line.size();
  constexpr int kHexadecimal = 16;
  const auto [rest, error] =
      std::from_chars(line.data() + at + name.size(), end, value, kHexadecimal);
  if (error != std::errc()) return std::nullopt;
  return value;
}

// fs/notify/fdinfo.c prints the kernel's own dev_t: MINORBITS is 20 (linux/kdev_t.h).
dev_t from_kernel(std::uint64_t device) {
  constexpr unsigned kMinorBits = 20;
  constexpr std::uint64_t kMinorMask = (std::uint64_t{1} << kMinorBits) - 1;
  return ::makedev(static_cast<unsigned>(device >> kMinorBits),
                   static_cast<unsigned>(device & kMinorMask));
}

// File systems that the kernel makes up, in which walking is endless or pointless.
bool is_kernels_own(const char* directory) {
  constexpr std::array<long, 6> kTypes = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,   CGROUP_SUPER_MAGIC,
                                          CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, DEVPTS_SUPER_MAGIC};
  struct statfs status{};
  if (::statfs(directory, &status) != 0) return true;
  for (const long type : kTypes)
    if (status.f_type == type) return true;
  return false;
}

struct CloseFts {
  void operator()(FTS* fts) const { ::fts_close(fts); }
};

}  // namespace

std::set<WatchedInode> parse_watches(std::string_view fdinfo) {
  std::set<WatchedInode> watches;
  while (!fdinfo.empty()) {
    const std::string_view line = fdinfo.substr(0, fdinfo.find('\n'));
    fdinfo.remove_prefix(std::min(line.size() + 1, fdinfo.size()));
    if (!line.starts_with("inotify ") && !line.starts_with("fanotify ino:")) continue;
    const auto inode = field(line, " ino:");
    const auto device = field(line, " sdev:");
    if (inode && device) watches.insert({.device = from_kernel(*device), .inode = *inode});
  }
  return watches;
}

std::set<WatchedInode> watches_of(const std::filesystem::path& proc, pid_t init) {
  std::set<WatchedInode> watches;
  for (const pid_t pid : processes_of(proc, init)) {
    const std::filesystem::path process = proc / std::to_string(pid);
    for (const auto& [fd, target] : sys::open_files_of(process)) {
      if (target != "anon_inode:inotify" && target != "inotify" &&
          target != "anon_inode:[fanotify]")
        continue;
      const auto fdinfo = sys::read_file(process / "fdinfo" / std::to_string(fd));
      if (fdinfo) watches.merge(parse_watches(*fdinfo));
    }
  }
  return watches;
}

std::vector<DeletedWatch> deleted_watches(const std::filesystem::path& proc,
                                          const std::vector<pid_t>& processes,
                                          const std::set<WatchedInode>& watches) {
  std::vector<DeletedWatch> found;
  if (watches.empty()) return found;
  for (const pid_t pid : processes) {
    const std::filesystem::path process = proc / std::to_string(pid);
    for (const auto& [fd, target] : sys::open_files_of(process)) {
      if (!target.ends_with(" (deleted)")) continue;
      const std::filesystem::path file = process / "fd" / std::to_string(fd);
      struct stat status{};
      struct statfs system{};
      if (::stat(file.c_str(), &status) != 0 || status.st_nlink != 0 ||
          !watches.contains({.device = status.st_dev, .inode = status.st_ino}) ||
          ::statfs(file.c_str(), &system) != 0 ||
          (system.f_type != OVERLAYFS_SUPER_MAGIC && system.f_type != TMPFS_MAGIC))
        continue;
      found.push_back({.process = pid, .file = target});
    }
  }
  return found;
}

std::vector<std::string> find_inodes(const std::filesystem::path& root,
                                     std::set<WatchedInode> inodes) {
  std::vector<std::string> paths;
  if (inodes.empty()) return paths;
  std::string top = root.string() + "/";
  const std::size_t prefix = top.size() - 1;
  char* arguments[] = {top.data(), nullptr};
  const std::unique_ptr<FTS, CloseFts> walk(
      ::fts_open(arguments, FTS_PHYSICAL | FTS_NOCHDIR, nullptr));
  if (!walk) return paths;
  while (!inodes.empty()) {
    FTSENT* entry = ::fts_read(walk.get());
    if (entry == nullptr) break;
    if (entry->fts_info == FTS_DP || entry->fts_statp == nullptr) continue;
    const bool crosses = entry->fts_info == FTS_D && entry->fts_level > FTS_ROOTLEVEL &&
                         entry->fts_statp->st_dev != entry->fts_parent->fts_statp->st_dev;
    if (crosses && is_kernels_own(entry->fts_path)) {
      ::fts_set(walk.get(), entry, FTS_SKIP);
      continue;
    }
    if (inodes.erase({.device = entry->fts_statp->st_dev, .inode = entry->fts_statp->st_ino}) == 0)
      continue;
    const std::string path = entry->fts_path + prefix;
    paths.push_back(path.starts_with("//") ? path.substr(1) : path);
  }
  return paths;
}

}  // namespace reprise::container
