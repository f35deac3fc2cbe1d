// SPDX-License-Identifier: Apache-2.0
#include "cli/prune_remote.h"

#include <algorithm>
#include <functional>

#include "operations/remote_note.h"

namespace reprise::cli {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;

namespace {

Result<bool> is_kept(const Context& context, catalog::Catalog& catalog,
                     const operations::OpenRemote& remote, const CheckpointId& id) {
  const auto row = catalog.find_checkpoint(id.str());
  if (!row && row.error().code() != ErrorCode::kNotFound) return std::unexpected(row.error());
  if (row && row->id == id && (row->pinned || row->pending || !row->tag.empty())) return true;
  const std::string note =
      REPRISE_PASS(transfer::remote_note_of(context.node.store, id, *remote.objects));
  const std::string step = "reading the note of checkpoint '" + id.str() + "'";
  return !REPRISE_TRY(operations::decode_remote_note(note), step).tag.empty();
}

Result<catalog::StoreFacts> facts_of(const Context& context, catalog::Catalog& catalog,
                                     const operations::OpenRemote& remote) {
  auto there = REPRISE_PASS(transfer::remote_checkpoints(context.node.store, *remote.objects));
  std::ranges::sort(there.manifests, std::greater(), &image::Manifest::created);
  catalog::StoreFacts facts;
  for (const image::Manifest& manifest : there.manifests) {
    if (std::ranges::find(there.of_others, manifest.id) != there.of_others.end()) continue;
    const bool kept = REPRISE_PASS(is_kept(context, catalog, remote, manifest.id));
    facts.checkpoints.push_back({.id = manifest.id,
                                 .key = manifest.key,
                                 .created = manifest.created,
                                 .of_a_stop = manifest.trigger == image::Trigger::kStop,
                                 .kept = kept});
  }
  return facts;
}

}  // namespace

Result<catalog::Decision> prune_remote(const Context& context, catalog::Catalog& catalog,
                                       const operations::OpenRemote& remote,
                                       const catalog::Retention& policy, bool dry_run) {
  if (policy.max_bytes)
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "a remote has no maximum size")
            .with_hint("say how many checkpoints to keep: --keep-last, --keep-daily"));
  const catalog::StoreFacts facts = REPRISE_PASS(facts_of(context, catalog, remote));
  catalog::Decision decision = catalog::decide(facts, policy);
  if (dry_run) return decision;
  for (const catalog::Removal& removal : decision.removals) {
    // The catalog first: what it calls a copy may be counted on.
    for (const std::string& alias : operations::names_of(context.node, remote))
      REPRISE_PASS(catalog.note_removed_copy(removal.id, alias));
    REPRISE_PASS(transfer::remove_remote_checkpoint(removal.id, *remote.objects));
  }
  return decision;
}

}  // namespace reprise::cli
