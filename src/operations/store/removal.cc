// SPDX-License-Identifier: Apache-2.0
#include "operations/store/removal.h"

#include <algorithm>
#include <vector>

#include "catalog/catalog.h"
#include "operations/container/containers.h"
#include "operations/store/garbage.h"
#include "store/holds.h"
#include "store/open_catalog.h"
#include "transfer/transfer.h"

namespace reprise::operations {

using base::CheckpointId;
using base::ErrorCode;
using base::Result;

Result<Removal> Removal::begin(const Node& node) {
  return Removal(node, REPRISE_PASS(store::open_existing_store(node.store)));
}

// The row goes first: a checkpoint that is half removed must not be restorable.
Result<Removal::Removed> Removal::remove(const std::string& checkpoint) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node_.store));
  const catalog::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(checkpoint));
  const store::RemovalLock lock = REPRISE_PASS(checkpoints_->begin_removal(row.id));
  Removed removed{.id = row.id, .continued_by = {}};
  if (row.pending) removed.continued_by = row.name.empty() ? name_of(catalog, row.key) : row.name;
  REPRISE_PASS(catalog.remove_checkpoint(row.id));
  REPRISE_PASS(checkpoints_->remove(row.id));
  return removed;
}

Result<store::Collected> Removal::free_space() { return checkpoints_->collect(kGcPatience); }

namespace {

// A tag is ours; else what lies there counts, and what only the catalog believes to lie there.
Result<CheckpointId> find_to_remove(catalog::Catalog& catalog, const OpenRemote& remote,
                                    const std::string& name) {
  const auto here = catalog.find_checkpoint(name);
  if (here && here->tag == name) return here->id;
  auto there = transfer::find_remote_checkpoint(name, *remote.objects);
  if (!there && there.error().code() == ErrorCode::kNotFound && here) return here->id;
  return there;
}

}  // namespace

Result<RemoteRemoval> RemoteRemoval::begin(const Node& node, const std::string& remote) {
  return RemoteRemoval(node, REPRISE_PASS(open_to_change(node, remote)));
}

// The catalog first: what it calls a copy may be counted on.
Result<RemoteRemoval::Removed> RemoteRemoval::remove(const std::string& checkpoint) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node_.store));
  Removed removed;
  removed.id = REPRISE_PASS(find_to_remove(catalog, remote_, checkpoint));
  const std::vector<std::string> aliases = names_of(node_, remote_);
  for (const std::string& alias : aliases)
    REPRISE_PASS(catalog.note_removed_copy(removed.id, alias));
  removed.was_there =
      REPRISE_PASS(transfer::remove_remote_checkpoint(removed.id, *remote_.objects));
  const auto uploads = node_.config.upload_remotes();
  const auto goes_there = [&](const std::string& alias) {
    return std::ranges::find(uploads, alias) != uploads.end();
  };
  const auto row = catalog.find_checkpoint(removed.id.str());
  removed.stays_away = row && row->id == removed.id && std::ranges::any_of(aliases, goes_there);
  return removed;
}

}  // namespace reprise::operations
