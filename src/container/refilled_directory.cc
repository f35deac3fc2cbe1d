// SPDX-License-Identifier: Apache-2.0
#include "container/refilled_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "container/file_tree.h"
#include "sys/files.h"

namespace reprise::container {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

Result<std::vector<fs::path>> entries_of(const fs::path& directory) {
  std::error_code error;
  std::vector<fs::path> entries;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    entries.push_back(entry->path());
  if (error) return base::fail_errno(error.value(), "listing '" + directory.string() + "'");
  return entries;
}

Result<struct stat> look_at(const fs::path& place) {
  struct stat status{};
  if (::lstat(place.c_str(), &status) != 0)
    return base::fail_errno(errno, "looking at '" + place.string() + "'");
  return status;
}

Result<bool> exists_itself(const fs::path& place) {
  const auto status = look_at(place);
  if (!status && status.error().error_number() == ENOENT) return false;
  REPRISE_PASS(status);
  return true;
}

// Whether something stays in it.
Result<bool> clear(const fs::path& directory, const fs::path& contents, const Inodes& mounted) {
  bool stays = false;
  for (const fs::path& entry : REPRISE_PASS(entries_of(directory))) {
    if (entry == contents) continue;
    const struct stat status = REPRISE_PASS(look_at(entry));
    bool kept = mounted.contains({status.st_dev, status.st_ino});
    if (S_ISDIR(status.st_mode) && REPRISE_PASS(clear(entry, contents, mounted))) kept = true;
    if (!kept) REPRISE_PASS(sys::remove_tree(entry));
    stays = stays || kept;
  }
  return stays;
}

Result<void> rename_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return base::fail_errno(error.value(), "moving '" + from.string() + "'");
  return {};
}

Result<void> move_up(const fs::path& from, const fs::path& to);

// Of something that stays.
Result<void> give(const fs::path& from, const fs::path& to) {
  const mode_t kind = REPRISE_PASS(look_at(from)).st_mode & S_IFMT;
  if (kind != (REPRISE_PASS(look_at(to)).st_mode & S_IFMT) || (kind != S_IFDIR && kind != S_IFREG))
    return std::unexpected(Error(ErrorCode::kUnsupported, "'" + to.string() +
                                                              "', which is mounted by itself, was "
                                                              "something else at the checkpoint")
                               .with_hint("mount the whole volume, without 'subPath'"));
  if (kind == S_IFDIR) return move_up(from, to);
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) return base::fail_errno(error.value(), "writing '" + to.string() + "'");
  REPRISE_PASS(copy_attributes(from, to));
  return sys::remove_tree(from);
}

Result<void> move_up(const fs::path& from, const fs::path& to) {
  for (const fs::path& entry : REPRISE_PASS(entries_of(from))) {
    const fs::path target = to / entry.filename();
    if (REPRISE_PASS(exists_itself(target))) {
      REPRISE_PASS(give(entry, target));
      continue;
    }
    REPRISE_PASS(rename_to(entry, target));
  }
  REPRISE_PASS(copy_attributes(from, to));
  return sys::remove_tree(from);
}

Result<bool> holds_mounted(const fs::path& directory, const Inodes& mounted) {
  for (const fs::path& entry : REPRISE_PASS(entries_of(directory))) {
    const struct stat status = REPRISE_PASS(look_at(entry));
    if (mounted.contains({status.st_dev, status.st_ino})) return true;
    if (S_ISDIR(status.st_mode) && REPRISE_PASS(holds_mounted(entry, mounted))) return true;
  }
  return false;
}

Result<void> make_like(const fs::path& directory, const fs::path& made) {
  if (::mkdir(made.c_str(), 0700) != 0)
    return base::fail_errno(errno, "making '" + made.string() + "'");
  return copy_attributes(directory, made);
}

// What move_aside() leaves alone, and the place of a copy that is being made: one that was cut off
// must not be taken for what was there.
struct Places {
  fs::path contents, part, copy;
  [[nodiscard]] bool has(const fs::path& entry) const {
    return entry == contents || entry == part || entry == copy;
  }
};

Result<void> copy_whole(const fs::path& from, const fs::path& to, const fs::path& between) {
  std::error_code error;
  fs::copy_file(from, between, error);
  if (error) return base::fail_errno(error.value(), "copying '" + from.string() + "'");
  REPRISE_PASS(copy_attributes(from, between));
  return rename_to(between, to);
}

// Of what `mounted` names, a copy.
Result<void> move_aside(const fs::path& directory, const fs::path& aside, const Places& places,
                        const Inodes& mounted) {
  for (const fs::path& entry : REPRISE_PASS(entries_of(directory))) {
    if (places.has(entry)) continue;
    const struct stat status = REPRISE_PASS(look_at(entry));
    const bool is_mounted = mounted.contains({status.st_dev, status.st_ino});
    const fs::path target = aside / entry.filename();
    if (S_ISDIR(status.st_mode) && (is_mounted || REPRISE_PASS(holds_mounted(entry, mounted)))) {
      REPRISE_PASS(make_like(entry, target));
      REPRISE_PASS(move_aside(entry, target, places, mounted));
    } else if (!is_mounted) {
      REPRISE_PASS(rename_to(entry, target));
    } else if (S_ISREG(status.st_mode)) {
      REPRISE_PASS(copy_whole(entry, target, places.copy));
    }
  }
  return {};
}

// To remove `contents` was a change of the directory as well.
Result<void> move_all_up(const fs::path& contents, const fs::path& directory) {
  const struct stat before = REPRISE_PASS(look_at(contents));
  REPRISE_PASS(move_up(contents, directory));
  const std::array<timespec, 2> times{before.st_atim, before.st_mtim};
  if (::utimensat(AT_FDCWD, directory.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return base::fail_errno(errno, "giving its time to '" + directory.string() + "'");
  return {};
}

// While not all of it is there.
fs::path part_of(const fs::path& aside) { return aside.string() + ".part"; }
fs::path copy_of(const fs::path& aside) { return aside.string() + ".copy"; }

}  // namespace

Inodes mounted_inodes(const oci::Spec& spec) {
  Inodes inodes;
  struct stat status{};
  for (const oci::Mount& mount : spec.mounts)
    if (mount.type == "bind" && ::stat(mount.source.c_str(), &status) == 0)
      inodes.emplace(status.st_dev, status.st_ino);
  return inodes;
}

Result<void> replace_contents(const fs::path& directory, const fs::path& contents,
                              const Inodes& mounted) {
  REPRISE_PASS(clear(directory, contents, mounted));
  return move_all_up(contents, directory);
}

Result<void> exchange_contents(const fs::path& directory, const fs::path& contents,
                               const fs::path& aside, const Inodes& mounted) {
  const fs::path part = part_of(aside);
  REPRISE_PASS(make_like(directory, part));
  REPRISE_PASS(move_aside(directory, part,
                          {.contents = contents, .part = part, .copy = copy_of(aside)}, mounted));
  REPRISE_PASS(rename_to(part, aside));
  return move_all_up(contents, directory);
}

Result<void> bring_back(const fs::path& directory, const fs::path& aside, const Inodes& mounted) {
  const fs::path part = part_of(aside);
  REPRISE_PASS(sys::remove_tree(copy_of(aside)));
  if (REPRISE_PASS(exists_itself(aside))) {
    REPRISE_PASS(clear(directory, aside, mounted));
    REPRISE_PASS(rename_to(aside, part));
  }
  if (!REPRISE_PASS(exists_itself(part))) return {};
  return move_all_up(part, directory);
}

}  // namespace reprise::container
