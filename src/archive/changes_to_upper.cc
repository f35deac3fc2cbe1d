// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "archive/entry_name.h"
#include "archive/file_tree_rules.h"
#include "archive/internal/overlay.h"
#include "archive/rootfs_changes.h"

namespace reprise::archive {

using base::ErrorCode;
using base::fail;

namespace {

// image-spec, layer.md: whiteouts.
constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";

std::string joined(std::string_view parent, std::string_view part) {
  return parent == "." ? std::string(part) : std::string(parent) + "/" + std::string(part);
}

// What the first reading of an archive finds out, so that the second need not look ahead.
struct Plan {
  FileTreeRules rules;
  std::set<std::string> deleted;
  std::set<std::string> opaque;
  std::uint64_t bytes = 0;
};

bool is_marker(Dialect dialect, std::string_view name) {
  return dialect == Dialect::kOciLayer && last_part_of(name).starts_with(kWhiteoutPrefix);
}

Result<void> plan_oci_marker(Plan& plan, const Entry& entry, const std::string& name) {
  const std::string_view part = last_part_of(name);
  const std::string parent(parent_of(name));
  if (entry.kind() != Kind::kFile)
    return fail(ErrorCode::kCorrupt, in_ticks(name) + " is a whiteout that is no file");
  if (part == kOpaqueMarker) {
    if (parent == ".") return fail(ErrorCode::kCorrupt, in_ticks(name) + " hides the whole image");
    plan.opaque.insert(parent);
    return {};
  }
  const std::string_view hidden = part.substr(kWhiteoutPrefix.size());
  if (hidden.empty() || hidden == "." || hidden == "..")
    return fail(ErrorCode::kCorrupt, in_ticks(name) + " is a whiteout of nothing");
  plan.deleted.insert(joined(parent, hidden));
  return {};
}

Result<void> count_size(Plan& plan, const Entry& entry, std::uint64_t limit) {
  if (entry.kind() != Kind::kFile) return {};
  if (entry.size() > limit - plan.bytes)
    return fail(ErrorCode::kCorrupt, in_ticks(entry.name()) + " is declared with " +
                                         std::to_string(entry.size()) +
                                         " bytes, more than there is space for");
  plan.bytes += entry.size();
  return {};
}

Result<void> plan_entries(Plan& plan, TarReader& reader, const ForeignChanges& changes) {
  FileTreeRules markers;  // apart, so that a whiteout does not count as a file of the tree
  while (std::optional<Entry> entry = REPRISE_PASS(reader.next())) {
    const std::string name = REPRISE_PASS(safe_file_name(entry->name()));
    if (is_marker(changes.dialect, name)) {
      REPRISE_PASS(markers.admit(*entry));
      REPRISE_PASS(plan_oci_marker(plan, *entry, name));
      continue;
    }
    REPRISE_PASS(plan.rules.admit(*entry));
    REPRISE_PASS(admitted_xattrs(*entry));
    REPRISE_PASS(count_size(plan, *entry, changes.limit));
  }
  return {};
}

Result<void> plan_deletions(Plan& plan, const std::vector<std::string>& deleted) {
  for (const std::string& absolute : deleted) {
    if (!absolute.starts_with('/'))
      return fail(ErrorCode::kCorrupt, in_ticks(absolute) +
                                           " in the list of deleted files is not "
                                           "absolute");
    const std::string name = REPRISE_PASS(safe_file_name(absolute.substr(1)));
    if (name == ".")
      return fail(ErrorCode::kCorrupt, "the list of deleted files has the root itself");
    plan.deleted.insert(name);
  }
  for (const std::string& name : plan.opaque) REPRISE_PASS(plan.rules.imply(name));
  // A name that was deleted and is there all the same: made again. Of a directory, that hides what
  // the image has in it.
  for (const std::string& name : plan.rules.opaque_directories()) plan.opaque.insert(name);
  for (auto at = plan.deleted.begin(); at != plan.deleted.end();) {
    if (plan.rules.is_directory(*at)) plan.opaque.insert(*at);
    at = plan.rules.has(*at) ? plan.deleted.erase(at) : std::next(at);
  }
  return {};
}

// A whiteout needs a directory to lie in, and must not lie below something that is no directory.
Result<void> plan_whiteouts(Plan& plan) {
  const auto is_below_another = [&plan](const std::string& name) {
    for (std::string_view parent = parent_of(name); parent != "."; parent = parent_of(parent))
      if (plan.deleted.contains(std::string(parent))) return true;
    return false;
  };
  std::erase_if(plan.deleted, is_below_another);
  for (const std::string& name : plan.deleted) REPRISE_PASS(plan.rules.admit(Entry::file(name, 1)));
  return {};
}

Result<void> write_file(TarReader& reader, TarWriter& writer, Entry entry, const Plan& plan) {
  auto xattrs = REPRISE_PASS(admitted_xattrs(entry));
  const std::string name = entry.name();
  if (entry.kind() == Kind::kDirectory && plan.opaque.contains(name))
    xattrs.emplace_back(kOpaque, kYes);
  if (entry.kind() == Kind::kHardLink)
    entry.set_hard_link(REPRISE_PASS(safe_file_name(entry.link_target())));
  entry.set_xattrs(xattrs);
  entry.forget_owner_names();
  REPRISE_PASS(writer.begin(entry));
  if (entry.kind() == Kind::kFile)
    REPRISE_PASS(copy_contents(
        reader, [&writer](std::span<const char> data) { return writer.write(data); }));
  return {};
}

Result<void> write_files(const ForeignChanges& changes, TarWriter& writer, const Plan& plan) {
  TarReader reader = REPRISE_PASS(TarReader::open(REPRISE_PASS(changes.tar())));
  while (std::optional<Entry> entry = REPRISE_PASS(reader.next())) {
    const std::string name = REPRISE_PASS(safe_file_name(entry->name()));
    if (name == ".") continue;
    if (is_marker(changes.dialect, name)) continue;
    // The empty file that announces a directory.
    if (entry->kind() == Kind::kFile && plan.rules.is_directory(name)) continue;
    entry->set_name(name);
    REPRISE_TRY(write_file(reader, writer, std::move(*entry), plan), "copying " + in_ticks(name));
  }
  return {};
}

Result<void> write_implied(const ForeignChanges& changes, TarWriter& writer, const Plan& plan) {
  // The upper directory itself is what the container sees as its root.
  if (const std::optional<Entry> root = changes.image_directory("."))
    REPRISE_PASS(writer.begin(*root));
  for (const std::string& name : plan.rules.implied_directories()) {
    std::optional<Entry> directory = changes.image_directory(name);
    const bool opaque = plan.opaque.contains(name);
    if (!directory && !opaque) continue;
    if (!directory) {
      constexpr std::uint32_t kUsualMode = 0755;
      directory = Entry::directory(name);
      directory->set_mode(kUsualMode);
    }
    if (opaque) directory->set_xattrs({{std::string(kOpaque), std::string(kYes)}});
    REPRISE_PASS(writer.begin(*directory));
  }
  return {};
}

Result<void> write_whiteouts(TarWriter& writer, const Plan& plan) {
  for (const std::string& name : plan.deleted) {
    Entry whiteout = Entry::file(name, 0);
    whiteout.set_mode(0);
    whiteout.set_special(Kind::kCharacterDevice, 0, 0);
    REPRISE_PASS(writer.begin(whiteout));
  }
  return {};
}

}  // namespace

Result<void> write_upper(const ForeignChanges& changes, const WriteBytes& sink) {
  Plan plan;
  {
    TarReader reader = REPRISE_PASS(TarReader::open(REPRISE_PASS(changes.tar())));
    REPRISE_PASS(plan_entries(plan, reader, changes));
  }
  REPRISE_PASS(plan_deletions(plan, changes.deleted));
  REPRISE_PASS(plan_whiteouts(plan));
  TarWriter writer = REPRISE_PASS(TarWriter::open(sink, Compression::kNone));
  // Directories come before what lies in them, as everywhere: an export of this relies on it.
  REPRISE_PASS(write_implied(changes, writer, plan));
  REPRISE_PASS(write_files(changes, writer, plan));
  REPRISE_PASS(write_whiteouts(writer, plan));
  return writer.finish();
}

Result<void> write_plain_tree(const std::function<Result<ReadBytes>()>& tar, std::uint64_t limit,
                              const WriteBytes& sink) {
  return write_upper({.tar = tar,
                      .image_directory = [](const std::string&) { return std::nullopt; },
                      .limit = limit},
                     sink);
}

}  // namespace reprise::archive
