// SPDX-License-Identifier: Apache-2.0
#include "operations/store/prune.h"

#include <algorithm>
#include <functional>

#include "catalog/catalog.h"
#include "operations/container/containers.h"
#include "operations/store/garbage.h"
#include "operations/transfer/remote_note.h"
#include "operations/transfer/remotes.h"
#include "store/open_catalog.h"
#include "store/prune.h"
#include "store/store.h"
#include "transfer/transfer.h"

namespace reprise::operations {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

Result<bool> is_kept(const Node& node, catalog::Catalog& catalog, const OpenRemote& remote,
                     const CheckpointId& id) {
  const auto row = catalog.find_checkpoint(id.str());
  if (!row && row.error().code() != ErrorCode::kNotFound) return std::unexpected(row.error());
  if (row && row->id == id && (row->pinned || row->pending || !row->tag.empty())) return true;
  const std::string note = REPRISE_PASS(transfer::remote_note_of(node.store, id, *remote.objects));
  const std::string step = "reading the note of checkpoint '" + id.str() + "'";
  return !REPRISE_TRY(decode_remote_note(note), step).tag.empty();
}

Result<catalog::StoreFacts> facts_of(const Node& node, catalog::Catalog& catalog,
                                     const OpenRemote& remote) {
  auto there = REPRISE_PASS(transfer::remote_checkpoints(node.store, *remote.objects));
  std::ranges::sort(there.manifests, std::greater(), &image::Manifest::created);
  catalog::StoreFacts facts;
  for (const image::Manifest& manifest : there.manifests) {
    if (std::ranges::find(there.of_others, manifest.id) != there.of_others.end()) continue;
    const bool kept = REPRISE_PASS(is_kept(node, catalog, remote, manifest.id));
    facts.checkpoints.push_back({.id = manifest.id,
                                 .group = manifest.key.str(),
                                 .created = manifest.created,
                                 .of_a_stop = manifest.trigger == image::Trigger::kStop,
                                 .kept = kept});
  }
  return facts;
}

catalog::Retention policy_of(const Node& node, const PruneRequest& request) {
  catalog::Retention policy = request.wanted.over(node.config.retention).policy();
  policy.requested = request.requested || node.config.retention.policy().requested;
  return policy;
}

}  // namespace

Result<Pruned> prune(const Node& node, const PruneRequest& request, Progress& progress) {
  store::Store store = REPRISE_PASS(store::open_existing(node.store));
  if (const auto done = request.dry_run ? Result<void>() : forget_gone(store.catalog); !done)
    progress.warn("those of containers that are gone stay: " + done.error().message(), "");
  Pruned pruned;
  pruned.decision =
      REPRISE_PASS(store::prune(store, policy_of(node, request), {.dry_run = request.dry_run}));
  if (request.dry_run) return pruned;
  REPRISE_PASS(store.checkpoints->sweep());
  pruned.freed = REPRISE_PASS(store.checkpoints->collect(kGcPatience));
  return pruned;
}

Result<Pruned> prune_remote(const Node& node, const std::string& remote,
                            const PruneRequest& request) {
  const OpenRemote there = REPRISE_PASS(open_to_change(node, remote));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  catalog::Retention policy = policy_of(node, request);
  if (!request.wanted.max_size) policy.max_bytes.reset();
  if (policy.max_bytes)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "a remote has no maximum size")
            .with_hint("say how many checkpoints to keep: --keep-last, --keep-daily"));
  const catalog::StoreFacts facts = REPRISE_PASS(facts_of(node, catalog, there));
  Pruned pruned{.decision = catalog::decide(facts, policy), .freed = {}, .remote = there.name};
  if (request.dry_run) return pruned;
  for (const catalog::Removal& removal : pruned.decision.removals) {
    // The catalog first: what it calls a copy may be counted on.
    for (const std::string& alias : names_of(node, there))
      REPRISE_PASS(catalog.note_removed_copy(removal.id, alias));
    REPRISE_PASS(transfer::remove_remote_checkpoint(removal.id, *there.objects));
  }
  return pruned;
}

}  // namespace reprise::operations
