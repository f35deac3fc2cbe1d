// SPDX-License-Identifier: Apache-2.0
#include "archive/entry_name.h"
#include "archive/internal/overlay.h"
#include "archive/rootfs_changes.h"

namespace reprise::archive {

using base::Error;
using base::ErrorCode;

namespace {

std::string without_dot(std::string name) {
  if (name.starts_with("./")) name.erase(0, 2);
  if (name.ends_with('/')) name.pop_back();
  return name;
}

// What the upper directory says by reference to layers below, which no archive has.
Result<void> check_self_contained(const Entry& entry) {
  for (const std::string_view attribute : {kRedirect, kMetacopy})
    if (entry.xattr(attribute))
      return std::unexpected(
          Error(ErrorCode::kUnsupported, in_ticks(entry.name()) + " has no contents of its own ('" +
                                             std::string(attribute) + "')")
              .with_hint("mount Podman's storage without metacopy and redirect_dir"));
  return {};
}

void strip_overlay_attributes(Entry& entry) {
  auto xattrs = entry.xattrs();
  std::erase_if(xattrs, [](const auto& xattr) { return xattr.first.starts_with(kOverlayPrefix); });
  entry.set_xattrs(xattrs);
}

Result<void> write_entry(TarReader& reader, TarWriter& writer, Entry entry) {
  const bool opaque = entry.xattr(kOpaque) == std::string(kYes);
  const std::string name = entry.name();
  if (entry.kind() == Kind::kHardLink) entry.set_hard_link(without_dot(entry.link_target()));
  strip_overlay_attributes(entry);
  entry.forget_owner_names();
  if (opaque) REPRISE_PASS(writer.begin(Entry::file(name, 0)));
  REPRISE_PASS(writer.begin(entry));
  if (entry.kind() == Kind::kFile)
    REPRISE_PASS(copy_contents(
        reader, [&writer](std::span<const char> data) { return writer.write(data); }));
  return {};
}

}  // namespace

Result<std::vector<std::string>> write_podman_changes(ReadBytes upper, WriteBytes sink) {
  TarReader reader = REPRISE_PASS(TarReader::open(std::move(upper)));
  TarWriter writer = REPRISE_PASS(TarWriter::open(std::move(sink), Compression::kNone));
  std::vector<std::string> deleted;
  while (std::optional<Entry> entry = REPRISE_PASS(reader.next())) {
    const std::string name = without_dot(entry->name());
    if (name.empty() || name == ".") continue;
    entry->set_name(name);
    REPRISE_PASS(check_self_contained(*entry));
    if (entry->is_whiteout()) {
      deleted.push_back("/" + name);
      continue;
    }
    REPRISE_TRY(write_entry(reader, writer, std::move(*entry)), "copying " + in_ticks(name));
  }
  REPRISE_PASS(writer.finish());
  return deleted;
}

}  // namespace reprise::archive
