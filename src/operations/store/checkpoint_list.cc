// SPDX-License-Identifier: Apache-2.0
#include "operations/store/checkpoint_list.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <ranges>
#include <span>

#include "operations/container/containers.h"
#include "operations/container/named_checkpoint.h"
#include "operations/transfer/remote_note.h"
#include "operations/transfer/remotes.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "transfer/transfer.h"

namespace reprise::operations {

using base::Result;

namespace {

catalog::CheckpointRow row_of(const image::Manifest& manifest) {
  return {.id = manifest.id,
          .key = manifest.key,
          .name = manifest.name,
          .trigger = manifest.trigger,
          .ended = manifest.ended,
          .created = manifest.created,
          .freeze_ms = manifest.freeze_ms,
          .bytes = image::bytes_of(manifest),
          .cpu_time_us = manifest.cpu_time_us};
}

bool lacks_stored_bytes(const catalog::CheckpointRow& row) { return !row.stored_bytes; }

// What cannot be read stays unknown.
void find_stored_bytes(catalog::Catalog& catalog, store::CheckpointStore& checkpoints,
                       std::span<catalog::CheckpointRow> rows) {
  for (catalog::CheckpointRow& row : rows | std::views::filter(lacks_stored_bytes)) {
    const Result<std::uint64_t> bytes = checkpoints.stored_bytes(row.id);
    if (!bytes) continue;
    row.stored_bytes = *bytes;
    // Else it is found again the next time.
    (void)catalog.note_stored_bytes(row.id, *bytes);
  }
}

// A stop does not know the container's name; the catalog does.
void add_names(catalog::Catalog& catalog, std::span<catalog::CheckpointRow> rows) {
  for (catalog::CheckpointRow& row : rows)
    if (row.name.empty()) row.name = name_of(catalog, row.key);
}

Result<std::string> tag_there(const Node& node, const base::CheckpointId& id,
                              remote::ObjectStore& from) {
  const std::string note = REPRISE_PASS(transfer::remote_note_of(node.store, id, from));
  return REPRISE_PASS(decode_remote_note(note)).tag;
}

}  // namespace

Result<CheckpointList> list_checkpoints(const Node& node, const std::string& container) {
  CheckpointList list;
  if (container.empty() && !REPRISE_PASS(catalog::Catalog::exists(node.layout.store))) return list;
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  list.has_store = true;
  if (container.empty()) {
    list.checkpoints = REPRISE_PASS(catalog.checkpoints());
  } else {
    for (const auto& key : REPRISE_PASS(find_keys(catalog, container)))
      std::ranges::move(REPRISE_PASS(catalog.checkpoints(key)),
                        std::back_inserter(list.checkpoints));
    std::ranges::sort(list.checkpoints, std::ranges::greater(), &catalog::CheckpointRow::created);
  }
  // Keys are read, and all of the store is opened, only where something is lacking.
  if (std::ranges::any_of(list.checkpoints, lacks_stored_bytes))
    if (const auto checkpoints = store::open_store(node.store))
      find_stored_bytes(catalog, **checkpoints, list.checkpoints);
  add_names(catalog, list.checkpoints);
  list.copies = REPRISE_PASS(catalog.copies());
  list.failing = upload_failures(node).value_or(std::vector<UploadFailure>());
  return list;
}

Result<RemoteCheckpointList> list_remote_checkpoints(const Node& node, const std::string& remote,
                                                     const std::string& container) {
  const OpenRemote opened = REPRISE_PASS(open_named(node, remote));
  transfer::RemoteCheckpoints there =
      REPRISE_PASS(transfer::remote_checkpoints(node.store, *opened.objects));
  RemoteCheckpointList list;
  for (const image::Manifest& manifest : there.manifests)
    list.checkpoints.push_back(row_of(manifest));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  add_names(catalog, list.checkpoints);
  std::erase_if(list.checkpoints, [&](const catalog::CheckpointRow& row) {
    return !container.empty() && row.name != container && row.key.str() != container;
  });
  std::ranges::sort(list.checkpoints, std::ranges::greater(), &catalog::CheckpointRow::created);
  list.unreadable = std::move(there.unreadable);
  for (catalog::CheckpointRow& row : list.checkpoints) {
    const auto tag = tag_there(node, row.id, *opened.objects);
    row.tag = tag.value_or("");
    if (!tag) list.of_unknown_tag.push_back(row.id);
  }
  return list;
}

Result<CheckpointDetails> describe_checkpoint(const Node& node, const std::string& checkpoint) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  CheckpointDetails details;
  details.row = REPRISE_PASS(find_named_checkpoint(catalog, checkpoint));
  const auto checkpoints = REPRISE_PASS(store::open_store(node.store));
  find_stored_bytes(catalog, *checkpoints, {&details.row, 1});
  details.manifest = REPRISE_PASS(checkpoints->manifest(details.row.id));
  details.copies = REPRISE_PASS(catalog.copies());
  details.failing = upload_failures(node).value_or(std::vector<UploadFailure>());
  return details;
}

}  // namespace reprise::operations
