// SPDX-License-Identifier: Apache-2.0
#include "store/internal/needs.h"

#include <sys/stat.h>

#include <map>
#include <optional>

#include "store/staging_place.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;

namespace {

// A checkpoint's file never changes, but may be replaced as a whole: then it is another inode.
std::string stamp_of(const struct stat& status) {
  return std::to_string(status.st_ino) + ' ' + std::to_string(status.st_size) + ' ' +
         std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec);
}

// nullopt if it was removed meanwhile.
Result<std::optional<std::vector<pages::PackNeed>>> packs_of(const OpenStore& store,
                                                             pages::PageIndex& index,
                                                             const CheckpointId& id,
                                                             const std::string& stamp) {
  if (auto known = REPRISE_PASS(index.needs(id.str(), stamp))) return known;
  std::map<std::string, std::uint64_t> bytes;
  const Result<void> visited = load_blocks(store, id, [&](const pages::BlockPlace& place) {
    bytes[place.pack] += pages::stored_bytes_of(place);
  });
  if (!visited && visited.error().code() == ErrorCode::kNotFound) return std::nullopt;
  REPRISE_PASS(visited);
  std::vector<pages::PackNeed> packs;
  packs.reserve(bytes.size());
  for (const auto& [pack, needed] : bytes) packs.push_back({.pack = pack, .bytes = needed});
  REPRISE_PASS(index.note_needs(id.str(), stamp, packs));
  return packs;
}

}  // namespace

Result<std::vector<CheckpointNeeds>> needs_of_all(const OpenStore& store, pages::PageIndex& index) {
  std::vector<CheckpointNeeds> all;
  const std::vector<std::string> names = REPRISE_PASS(sys::names_in(store.layout.checkpoints()));
  for (const std::string& name : names) {
    const auto id = CheckpointId::parse(name);
    if (!id) continue;  // not one of ours
    struct stat status{};
    if (::lstat(store.layout.sealed(*id).c_str(), &status) != 0) continue;  // removed since
    auto packs = REPRISE_PASS(packs_of(store, index, *id, stamp_of(status)));
    if (!packs) continue;
    all.push_back({.id = *id,
                   .file_bytes = static_cast<std::uint64_t>(status.st_size),
                   .packs = std::move(*packs)});
  }
  REPRISE_PASS(index.forget_needs_but(names));
  return all;
}

}  // namespace reprise::store
