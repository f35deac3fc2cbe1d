// SPDX-License-Identifier: Apache-2.0
#include "vetting/file_trees.h"

#include <archive_entry.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "archive/entry_name.h"
#include "archive/file_tree_rules.h"
#include "archive/tar.h"
#include "sys/files.h"

namespace reprise::vetting {

using archive::Entry;
using archive::Kind;
using base::ErrorCode;
using base::fail;

namespace {

// Whether a directory on the way to `name` is one of `names`.
bool leads_through(std::string_view name, const std::set<std::string>& names) {
  for (std::size_t slash = name.find('/'); slash != std::string_view::npos;
       slash = name.find('/', slash + 1))
    if (names.contains(std::string(name.substr(0, slash)))) return true;
  return false;
}

Result<void> check_device(const Entry& entry, const std::string& name, const Grants& grants) {
  if (entry.is_whiteout()) return {};
  const bool block = entry.kind() == Kind::kBlockDevice;
  if (!block && entry.kind() != Kind::kCharacterDevice) return {};
  const auto major = static_cast<std::uint64_t>(::archive_entry_rdevmajor(entry.get()));
  const auto minor = static_cast<std::uint64_t>(::archive_entry_rdevminor(entry.get()));
  if (is_granted_device(block ? 'b' : 'c', major, minor, grants)) return {};
  return more(archive::in_ticks(name),
              "the device " + std::to_string(major) + ":" + std::to_string(minor));
}

// What overlayfs itself notes in an upper directory; by "redirect" and "metacopy" a file would be
// another one.
Result<void> check_attributes(const Entry& entry, const std::string& name) {
  constexpr std::string_view kTrusted = "trusted.";
  constexpr std::array<std::string_view, 5> kKnown = {
      "trusted.overlay.opaque", "trusted.overlay.impure", "trusted.overlay.origin",
      "trusted.overlay.nlink", "trusted.overlay.uuid"};
  for (const auto& [attribute, value] : entry.xattrs())
    if (attribute.starts_with(kTrusted) && std::ranges::find(kKnown, attribute) == kKnown.end())
      return more(archive::in_ticks(name), "the attribute '" + attribute + "'");
  return {};
}

}  // namespace

Result<std::set<std::string>> check_tree(const std::filesystem::path& file, const Grants& grants) {
  const sys::UniqueFd fd = REPRISE_PASS(sys::open_file(file, O_RDONLY | O_NOFOLLOW));
  auto tar = REPRISE_PASS(archive::TarReader::open(archive::read_from(fd.get())));
  std::set<std::string> links;
  std::size_t count = 0;
  while (const std::optional<Entry> entry = REPRISE_PASS(tar.next())) {
    if (++count > archive::kMaxEntries)
      return fail(ErrorCode::kCorrupt, "it holds more files than any container has");
    const std::string name = REPRISE_PASS(archive::safe_file_name(entry->name()));
    if (leads_through(name, links))
      return fail(ErrorCode::kCorrupt,
                  archive::in_ticks(name) + " in it leads through a symbolic link");
    if (entry->kind() == Kind::kSymlink) links.insert(name);
    if (entry->kind() == Kind::kHardLink &&
        (leads_through(REPRISE_PASS(archive::safe_file_name(entry->link_target())), links)))
      return fail(ErrorCode::kCorrupt,
                  archive::in_ticks(name) + " in it is a hard link through a symbolic one");
    REPRISE_PASS(check_device(*entry, name, grants));
    REPRISE_PASS(check_attributes(*entry, name));
  }
  return links;
}

bool passes_link(const MadePlace& place, const std::set<std::string>& links) {
  std::string_view below = place.path;
  if (place.mount != "/" && below.starts_with(place.mount)) below.remove_prefix(place.mount.size());
  if (below.starts_with('/')) below.remove_prefix(1);
  return leads_through(below, links);
}

}  // namespace reprise::vetting
