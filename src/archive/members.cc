// SPDX-License-Identifier: Apache-2.0
#include "archive/members.h"

#include <algorithm>
#include <array>

#include "archive/entry_name.h"

namespace reprise::archive {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

constexpr std::array kTexts = {kConfigDump, kSpecDump, kNetworkStatus, kDeletedFiles,
                               kContainerdStatus};
constexpr std::array kTrees = {kRootfsDiff, kShm};

bool is_one_of(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Use use_of(std::string_view name) {
  if (is_one_of(kTexts, name)) return Use::kText;
  if (is_one_of(kTrees, name)) return Use::kTree;
  const std::string_view directory = parent_of(name);
  if (directory == kImages) return Use::kImage;
  if (directory == "volumes") return Use::kVolume;
  return Use::kNothing;
}

std::unexpected<Error> continues_another() {
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "the archive continues an earlier one ('pre-checkpoint')")
          .with_hint("export the container again without --pre-checkpoint and --with-previous"));
}

}  // namespace

Result<Member> classify(const Entry& entry) {
  std::string name = REPRISE_PASS(safe_name(entry.name()));
  const Kind kind = entry.kind();
  if (name == "checkpoint/parent" || name == "pre-checkpoint" ||
      name.starts_with("pre-checkpoint/"))
    return continues_another();
  if (kind != Kind::kFile && kind != Kind::kDirectory)
    return fail(ErrorCode::kCorrupt, in_ticks(name) + " is " + std::string(to_string(kind)) +
                                         "; only files and directories belong there");
  if (kind == Kind::kDirectory) {
    const bool nested = name.starts_with("checkpoint/");
    if (nested || is_one_of(kTexts, name) || is_one_of(kTrees, name))
      return fail(ErrorCode::kCorrupt, in_ticks(name) + " is a directory");
    return Member{.name = std::move(name)};
  }
  if (name == kImages || (name.starts_with("checkpoint/") && parent_of(name) != kImages))
    return fail(ErrorCode::kCorrupt, in_ticks(name) + " is no image of CRIU's");
  const Use use = use_of(name);
  return Member{.name = std::move(name), .use = use};
}

}  // namespace reprise::archive
