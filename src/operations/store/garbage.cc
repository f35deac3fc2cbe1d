// SPDX-License-Identifier: Apache-2.0
#include "operations/store/garbage.h"

#include "catalog/catalog.h"
#include "operations/transfer/remotes.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::Result;

Result<Freed> free_garbage(const Node& node, Compaction compaction) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  REPRISE_PASS(catalog.forget_needless_commands());
  const auto opened = REPRISE_PASS(store::open_store(node.store));
  REPRISE_PASS(opened->sweep());
  std::optional<store::Compacted> compacted;
  if (compaction == Compaction::kFirst) compacted = REPRISE_PASS(opened->compact(kGcPatience));
  return Freed{.compacted = std::move(compacted), .collected = opened->collect(kGcPatience)};
}

Result<transfer::RemoteCollected> free_remote_garbage(const Node& node, const std::string& remote,
                                                      const transfer::RemoteGcOptions& options) {
  const OpenRemote there = REPRISE_PASS(open_to_change(node, remote));
  return transfer::collect_remote(node.store, *there.objects, options);
}

}  // namespace reprise::operations
