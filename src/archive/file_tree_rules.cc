// SPDX-License-Identifier: Apache-2.0
#include "archive/file_tree_rules.h"

#include <algorithm>

#include "archive/entry_name.h"

namespace reprise::archive {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::int64_t kMaxId = 0xffff'fffe;  // the last 32-bit id; the one after it means "none"

std::unexpected<base::Error> refuse_entry(std::string_view name, const std::string& why) {
  return fail(ErrorCode::kCorrupt, in_ticks(name) + " " + why);
}

Result<void> check_kind(const std::string& name, const Entry& entry) {
  const Kind kind = entry.kind();
  if (kind == Kind::kCharacterDevice || kind == Kind::kBlockDevice || kind == Kind::kOther)
    return refuse_entry(name,
                        "is " + std::string(to_string(kind)) + ", which no archive may bring");
  if (kind == Kind::kSymlink &&
      (entry.link_target().empty() || entry.link_target().size() > kMaxNameLength))
    return refuse_entry(name, "is a symbolic link without a usable target");
  for (const std::int64_t id : {entry.uid(), entry.gid()})
    if (id < 0 || id > kMaxId) return refuse_entry(name, "has the owner " + std::to_string(id));
  return {};
}

}  // namespace

Result<std::string> FileTreeRules::admit(const Entry& entry) {
  std::string name = REPRISE_PASS(safe_file_name(entry.name()));
  REPRISE_PASS(check_kind(name, entry));
  if (entry.kind() == Kind::kHardLink) REPRISE_PASS(check_hard_link(name, entry));
  if (name == "." && entry.kind() != Kind::kDirectory)
    return refuse_entry(name, "is " + std::string(to_string(entry.kind())));
  REPRISE_PASS(admit_parents(name));
  REPRISE_PASS(admit_name(name, entry));
  if (kinds_.size() > kMaxEntries)
    return fail(ErrorCode::kCorrupt, "it has more than " + std::to_string(kMaxEntries) + " files");
  return name;
}

Result<void> FileTreeRules::check_hard_link(const std::string& name, const Entry& entry) const {
  const Result<std::string> target = safe_file_name(entry.link_target());
  if (!target)
    return std::unexpected(
        base::Error(target.error()).with_step(in_ticks(name) + " is a hard link that leads out"));
  const auto found = kinds_.find(*target);
  if (found == kinds_.end() || found->second.kind == Kind::kDirectory)
    return refuse_entry(name,
                        "is a hard link to " + in_ticks(*target) + ", which is no file before it");
  return {};
}

Result<void> FileTreeRules::admit_parents(const std::string& name) {
  for (std::string_view parent = parent_of(name); parent != "."; parent = parent_of(parent)) {
    const auto [at, added] = kinds_.try_emplace(std::string(parent), Seen{.implied = true});
    if (at->second.kind != Kind::kDirectory)
      return refuse_entry(name, "leads through " + in_ticks(parent) + ", which is " +
                                    std::string(to_string(at->second.kind)));
    if (!added) break;  // its own parents are there then
  }
  return {};
}

Result<void> FileTreeRules::imply(const std::string& directory) {
  return admit_parents(directory + "/.");
}

Result<void> FileTreeRules::admit_name(const std::string& name, const Entry& entry) {
  const Kind kind = entry.kind();
  const auto [at, added] = kinds_.try_emplace(name);
  Seen& seen = at->second;
  const bool is_directory = kind == Kind::kDirectory;
  if (!added && is_directory && seen.kind == Kind::kFile && seen.empty)
    opaque_.push_back(name);
  else if (!added && !(is_directory && seen.implied))
    return refuse_entry(name, "stands in it twice");
  seen = {.kind = kind, .empty = kind == Kind::kFile && entry.size() == 0};
  return {};
}

bool FileTreeRules::is_directory(const std::string& name) const {
  const auto found = kinds_.find(name);
  return found != kinds_.end() && found->second.kind == Kind::kDirectory;
}

std::vector<std::string> FileTreeRules::implied_directories() const {
  std::vector<std::string> result;
  for (const auto& [name, seen] : kinds_)
    if (seen.implied) result.push_back(name);
  std::ranges::sort(result);
  return result;
}

Result<std::vector<std::pair<std::string, std::string>>> admitted_xattrs(const Entry& entry) {
  std::vector<std::pair<std::string, std::string>> result;
  for (auto& [name, value] : entry.xattrs()) {
    if (name.starts_with("trusted."))
      return refuse_entry(entry.name(), "has the attribute " + in_ticks(name));
    if (name.starts_with("user.") || name == "security.capability")
      result.emplace_back(name, value);
  }
  return result;
}

}  // namespace reprise::archive
