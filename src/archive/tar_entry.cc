// SPDX-License-Identifier: Apache-2.0
#include <archive_entry.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "archive/internal/locale.h"
#include "archive/tar.h"

namespace reprise::archive {

namespace {

constexpr mode_t kNewFile = 0600;
constexpr mode_t kNewDirectory = 0700;

std::string text(const char* value) { return value == nullptr ? std::string() : value; }

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kFile:
      return "a file";
    case Kind::kDirectory:
      return "a directory";
    case Kind::kSymlink:
      return "a symbolic link";
    case Kind::kHardLink:
      return "a hard link";
    case Kind::kFifo:
      return "a fifo";
    case Kind::kCharacterDevice:
      return "a character device";
    case Kind::kBlockDevice:
      return "a block device";
    case Kind::kOther:
      break;
  }
  return "of an unknown kind";
}

void Entry::Free::operator()(archive_entry* entry) const { ::archive_entry_free(entry); }

Entry::Entry() : entry_(::archive_entry_new()) { REPRISE_ASSERT(entry_ != nullptr); }
Entry::Entry(archive_entry* entry) : entry_(::archive_entry_clone(entry)) {
  REPRISE_ASSERT(entry_ != nullptr);
}

Entry Entry::file(const std::string& name, std::uint64_t bytes) {
  Entry entry;
  ::archive_entry_set_filetype(entry.get(), AE_IFREG);
  ::archive_entry_set_perm(entry.get(), kNewFile);
  ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
  entry.set_name(name);
  return entry;
}

Entry Entry::directory(const std::string& name) {
  Entry entry;
  ::archive_entry_set_filetype(entry.get(), AE_IFDIR);
  ::archive_entry_set_perm(entry.get(), kNewDirectory);
  entry.set_name(name);
  return entry;
}

std::string Entry::name() const {
  const Utf8Locale utf8;
  return text(::archive_entry_pathname(get()));
}

Kind Entry::kind() const {
  if (::archive_entry_hardlink(get()) != nullptr) return Kind::kHardLink;
  switch (::archive_entry_filetype(get())) {
    case AE_IFREG:
      return Kind::kFile;
    case AE_IFDIR:
      return Kind::kDirectory;
    case AE_IFLNK:
      return Kind::kSymlink;
    case AE_IFIFO:
      return Kind::kFifo;
    case AE_IFCHR:
      return Kind::kCharacterDevice;
    case AE_IFBLK:
      return Kind::kBlockDevice;
    default:
      return Kind::kOther;
  }
}

std::uint64_t Entry::size() const {
  return static_cast<std::uint64_t>(std::max<la_int64_t>(::archive_entry_size(get()), 0));
}

std::string Entry::link_target() const {
  const Utf8Locale utf8;
  if (const char* hard = ::archive_entry_hardlink(get())) return hard;
  return text(::archive_entry_symlink(get()));
}

bool Entry::is_whiteout() const {
  return kind() == Kind::kCharacterDevice && ::archive_entry_rdevmajor(get()) == 0 &&
         ::archive_entry_rdevminor(get()) == 0;
}

std::int64_t Entry::uid() const { return ::archive_entry_uid(get()); }
std::int64_t Entry::gid() const { return ::archive_entry_gid(get()); }
std::int64_t Entry::mtime() const { return ::archive_entry_mtime(get()); }

std::vector<std::pair<std::string, std::string>> Entry::xattrs() const {
  std::vector<std::pair<std::string, std::string>> result;
  ::archive_entry_xattr_reset(get());
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(get(), &name, &value, &size) == 0)
    if (name != nullptr)
      result.emplace_back(
          name, size == 0 ? std::string() : std::string(static_cast<const char*>(value), size));
  return result;
}

std::optional<std::string> Entry::xattr(std::string_view name) const {
  for (auto& [found, value] : xattrs())
    if (found == name) return value;
  return std::nullopt;
}

void Entry::set_name(const std::string& name) {
  ::archive_entry_copy_pathname(get(), name.c_str());
}
void Entry::set_hard_link(const std::string& target) {
  ::archive_entry_copy_hardlink(get(), target.c_str());
}
void Entry::set_owner(std::int64_t uid, std::int64_t gid) {
  ::archive_entry_set_uid(get(), uid);
  ::archive_entry_set_gid(get(), gid);
}
void Entry::set_mode(std::uint32_t permissions) {
  ::archive_entry_set_perm(get(), static_cast<mode_t>(permissions));
}
void Entry::set_mtime(std::int64_t seconds, long nanoseconds) {
  ::archive_entry_set_mtime(get(), seconds, nanoseconds);
}

void Entry::set_xattrs(const std::vector<std::pair<std::string, std::string>>& xattrs) {
  ::archive_entry_xattr_clear(get());
  for (const auto& [name, value] : xattrs)
    ::archive_entry_xattr_add_entry(get(), name.c_str(), value.data(), value.size());
}

void Entry::set_symlink(const std::string& target) {
  ::archive_entry_set_filetype(get(), AE_IFLNK);
  ::archive_entry_copy_symlink(get(), target.c_str());
}

void Entry::set_special(Kind kind, unsigned major, unsigned minor) {
  const bool is_fifo = kind == Kind::kFifo;
  const auto device = kind == Kind::kBlockDevice ? AE_IFBLK : AE_IFCHR;
  ::archive_entry_set_filetype(get(), is_fifo ? AE_IFIFO : device);
  ::archive_entry_set_rdevmajor(get(), major);
  ::archive_entry_set_rdevminor(get(), minor);
  ::archive_entry_unset_size(get());
}

void Entry::forget_owner_names() {
  ::archive_entry_set_uname(get(), nullptr);
  ::archive_entry_set_gname(get(), nullptr);
}

}  // namespace reprise::archive
