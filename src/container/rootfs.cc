// SPDX-License-Identifier: Apache-2.0
#include "container/rootfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "container/file_tree.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/mountinfo.h"

namespace reprise::container {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;
using std::filesystem::path;

namespace {

// An overlay as it was found, and how to mount it again.
struct Overlay {
  path rootfs;
  unsigned long flags = 0;
  std::string options;  // for mount(2)
  path upper;
  path work;

  // Beside the upper directory, since they change places by rename.
  [[nodiscard]] path fresh() const { return upper.string() + ".reprise-new"; }
  [[nodiscard]] path former() const { return upper.string() + ".reprise-old"; }
};

std::unexpected<Error> unsupported(const path& rootfs, const std::string& why) {
  return fail(ErrorCode::kUnsupported, "the root file system at '" + rootfs.string() + "' " + why);
}

// Options that the kernel shows and takes alike. Any other one might not mean the same again.
constexpr std::array<std::string_view, 11> kOverlayOptions = {
    "lowerdir", "upperdir", "workdir",   "index", "metacopy",  "redirect_dir",
    "xino",     "uuid",     "userxattr", "fsync", "nfs_export"};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

Result<std::string> options_again(const path& rootfs, const sys::Mount& mount) {
  // Escaped characters would have to be escaped in another way for mount(2).
  if (mount.super_options.contains('\\'))
    return unsupported(rootfs, "has layers with unusual characters in their names");
  std::string again;
  for (const std::string& option : split(mount.super_options, ',')) {
    if (option == "rw" || option == "seclabel") continue;
    const std::string name = option.substr(0, option.find('='));
    if (option != "volatile" && std::ranges::find(kOverlayOptions, name) == kOverlayOptions.end())
      return unsupported(rootfs, "has the unknown mount option '" + name + "'");
    again += (again.empty() ? "" : ",") + option;
  }
  // Managers of very many layers mount with paths that are relative to a directory of theirs.
  for (const char* name : {"lowerdir", "upperdir", "workdir"})
    if (const auto value = mount.option(name); !value || !value->starts_with('/'))
      return unsupported(rootfs, std::string("has no absolute '") + name + "'");
  const auto limit = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (again.size() >= limit) return unsupported(rootfs, "has too many layers");
  return again;
}

Result<unsigned long> flags_again(const path& rootfs, const sys::Mount& mount) {
  constexpr std::array<std::pair<std::string_view, unsigned long>, 9> kFlags = {
      {{"rw", 0},
       {"ro", MS_RDONLY},
       {"nosuid", MS_NOSUID},
       {"nodev", MS_NODEV},
       {"noexec", MS_NOEXEC},
       {"relatime", MS_RELATIME},
       {"noatime", MS_NOATIME},
       {"nodiratime", MS_NODIRATIME},
       {"strictatime", MS_STRICTATIME}}};
  unsigned long flags = 0;
  for (const std::string& option : split(mount.mount_options, ',')) {
    const auto* const known =
        std::ranges::find(kFlags, option, &decltype(kFlags)::value_type::first);
    if (known == kFlags.end())
      return unsupported(rootfs, "has the unknown mount option '" + option + "'");
    flags |= known->second;
  }
  return flags;
}

Result<Overlay> find_overlay(const path& rootfs) {
  const auto mount = REPRISE_PASS(sys::find_mount(rootfs));
  if (!mount || mount->type != "overlay") return unsupported(rootfs, "is not an overlay");
  Overlay overlay{.rootfs = rootfs};
  overlay.options = REPRISE_PASS(options_again(rootfs, *mount));
  overlay.flags = REPRISE_PASS(flags_again(rootfs, *mount));
  overlay.upper = *mount->option("upperdir");
  overlay.work = *mount->option("workdir");
  return overlay;
}

// One value per line.
Result<void> write_notes(const Overlay& overlay, const path& notes) {
  std::string text;
  for (const std::string& value :
       {overlay.rootfs.string(), std::to_string(overlay.flags), overlay.options,
        overlay.upper.string(), overlay.work.string()}) {
    if (value.contains('\n')) return unsupported(overlay.rootfs, "has a line break in its name");
    text += value + "\n";
  }
  return sys::replace_file(notes, text);
}

// nullopt if nothing was noted.
Result<std::optional<Overlay>> read_notes(const path& notes) {
  const Result<std::string> text = sys::read_file(notes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  constexpr std::size_t kValues = 5;
  const std::vector<std::string> values = split(*text, '\n');
  if (values.size() != kValues)
    return fail(ErrorCode::kCorrupt, "'" + notes.string() + "' is not a note of a mount");
  return Overlay{.rootfs = values[0],
                 .flags = std::strtoul(values[1].c_str(), nullptr, 10),
                 .options = values[2],
                 .upper = values[3],
                 .work = values[4]};
}

Result<void> rename_directory(const path& from, const path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_errno(errno, "renaming '" + from.string() + "'");
  return {};
}

Result<void> unmount(const Overlay& overlay) {
  if (::umount2(overlay.rootfs.c_str(), UMOUNT_NOFOLLOW) != 0)
    return fail_errno(errno, "unmounting '" + overlay.rootfs.string() + "'");
  return {};
}

Result<void> mount_again(const Overlay& overlay) {
  // Left by a mount with `volatile`, to be found after a crash. There was none.
  REPRISE_PASS(sys::remove_tree(overlay.work / "work/incompat"));
  if (::mount("overlay", overlay.rootfs.c_str(), "overlay", overlay.flags,
              overlay.options.c_str()) != 0)
    return fail_errno(errno, "mounting '" + overlay.rootfs.string() + "' again");
  return {};
}

// An empty upper directory; archives of other tools may not say whose and how readable it is.
Result<void> make_fresh(const Overlay& overlay) {
  REPRISE_PASS(sys::remove_tree(overlay.fresh()));
  struct stat like{};
  if (::stat(overlay.upper.c_str(), &like) != 0)
    return fail_errno(errno, "looking at '" + overlay.upper.string() + "'");
  REPRISE_PASS(sys::make_directories(overlay.fresh()));
  constexpr mode_t kPermissions = 07777;
  if (::chown(overlay.fresh().c_str(), like.st_uid, like.st_gid) != 0 ||
      ::chmod(overlay.fresh().c_str(), like.st_mode & kPermissions) != 0)
    return fail_errno(errno, "making '" + overlay.fresh().string() + "'");
  return {};
}

Result<void> exchange(const Overlay& overlay) {
  REPRISE_PASS(unmount(overlay));
  // Left by a power cut during a restore: it is what was there first.
  if (REPRISE_PASS(sys::exists(overlay.former())))
    REPRISE_PASS(sys::remove_tree(overlay.upper));
  else
    REPRISE_PASS(rename_directory(overlay.upper, overlay.former()));
  REPRISE_PASS(rename_directory(overlay.fresh(), overlay.upper));
  return mount_again(overlay);
}

}  // namespace

Result<std::string> identity_of_upper(const path& upper) {
  struct statx about{};
  if (::statx(AT_FDCWD, upper.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &about) != 0)
    return fail_errno(errno, "looking at '" + upper.string() + "'");
  std::string identity = upper.string() + " " + std::to_string(about.stx_ino);
  if ((about.stx_mask & STATX_BTIME) != 0)
    identity += " " + std::to_string(about.stx_btime.tv_sec) + "." +
                std::to_string(about.stx_btime.tv_nsec);
  return identity;
}

Result<void> exchange_changes(const path& rootfs, const path& archive, const path& notes) {
  const Overlay overlay = REPRISE_PASS(find_overlay(rootfs));
  REPRISE_PASS(write_notes(overlay, notes));
  REPRISE_PASS(make_fresh(overlay));
  REPRISE_PASS(extract_tree(archive, overlay.fresh()));
  return exchange(overlay);
}

Result<void> undo_exchange(const path& notes) {
  const auto overlay = REPRISE_PASS(read_notes(notes));
  if (!overlay) return {};
  const bool exchanged = REPRISE_PASS(sys::exists(overlay->former()));
  bool mounted = REPRISE_PASS(sys::find_mount(overlay->rootfs)).has_value();
  if (exchanged && mounted) {
    REPRISE_PASS(unmount(*overlay));
    mounted = false;
  }
  if (exchanged) {
    REPRISE_PASS(sys::remove_tree(overlay->upper));
    REPRISE_PASS(rename_directory(overlay->former(), overlay->upper));
  }
  if (!mounted) REPRISE_PASS(mount_again(*overlay));
  REPRISE_PASS(sys::remove_tree(overlay->fresh()));
  return sys::remove_tree(notes);
}

Result<void> keep_exchange(const path& notes) {
  const auto overlay = REPRISE_PASS(read_notes(notes));
  if (!overlay) return {};
  REPRISE_PASS(sys::remove_tree(overlay->former()));
  return sys::remove_tree(notes);
}

}  // namespace reprise::container
