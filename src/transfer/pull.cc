// SPDX-License-Identifier: Apache-2.0
//
// A pull is a writer: it has a staging place from before it looks for blocks until its checkpoint
// is sealed, so that gc keeps its hands off what it counts on (gc.cc has the rule).
#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/fault.h"
#include "store/adopt_key.h"
#include "store/move_blocks.h"
#include "store/staging_place.h"
#include "sys/files.h"
#include "transfer/internal/arrivals.h"
#include "transfer/internal/fetch_blocks.h"
#include "transfer/internal/names.h"
#include "transfer/internal/remote_keys.h"
#include "transfer/transfer.h"

namespace reprise::transfer {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

Result<std::string> open_note(const crypto::TenantKeys& keys, const CheckpointId& id,
                              const std::string& sealed) {
  std::vector<std::byte> note;
  REPRISE_TRY(keys.manifests.open(base::as_bytes(sealed), base::as_bytes(note_bound(id)), note),
              "reading its note");
  return std::string(base::as_text(note));
}

Result<std::string> get_note(const store::OpenStore& store, const CheckpointId& id,
                             remote::ObjectStore& from) {
  const Result<std::string> sealed = from.get(remote_note(id), kNoteLimit);
  if (!sealed && sealed.error().code() == ErrorCode::kNotFound) return "";
  REPRISE_PASS(sealed);
  const auto ours = open_note(store.keys, id, *sealed);
  if (ours || ours.error().code() != ErrorCode::kCorrupt) return ours;
  // Whoever pushed it sealed it, as the checkpoint.
  const std::string text = REPRISE_PASS(from.get(remote_checkpoint(id), store::kMaxCheckpointFile));
  RemoteKeys keys(store, from);
  return open_note(*REPRISE_PASS(keys.of(text)), id, *sealed);
}

// Of an empty store, when other keys sealed what it is to hold: then both have the same keys from
// now on, and nothing needs to be sealed anew. Whatever prevents that, it goes without.
Result<void> share_their_key(const store::StoreConfig& config,
                             std::shared_ptr<const store::OpenStore>& store,
                             remote::ObjectStore& from, std::string_view text) {
  const std::string id = key_of_checkpoint(text);
  if (id.empty() || id == store->keys.id) return {};
  const auto theirs = find_key_file(*store, from, id);
  if (!theirs || !store::adopt_key(*store, theirs->text)) return {};
  store = REPRISE_PASS(store::open_parts(config));
  return {};
}

// Puts the blocks of `contents` here and says where they lie now.
Result<Pulled> take(const store::OpenStore& store, const crypto::TenantKeys& keys,
                    pages::Contents contents, remote::ObjectStore& from,
                    const TransferProgress& progress) {
  const store::StagingPlace place =
      REPRISE_PASS(store::StagingPlace::make(store.layout, store::CheckpointStore::kUnknownSize));
  REPRISE_PASS(store::check_key(store));
  pages::PageIndex index =
      REPRISE_PASS(pages::PageIndex::open(store.layout.root, store.keys.pages));
  const std::filesystem::path new_packs = place.directory() / "packs";
  REPRISE_PASS(sys::make_directories(new_packs));
  Arrivals arrivals(store, index, new_packs);
  const Fetched fetched =
      REPRISE_PASS(fetch_blocks(store, keys, index, contents.blocks, from, arrivals, progress));
  contents.blocks = fetched.places;
  REPRISE_PASS(base::fault_point("pull-fetched"));
  const std::vector<std::string> rest = REPRISE_PASS(arrivals.finish());
  REPRISE_PASS(base::fault_point("pull-synced"));
  std::string text = REPRISE_PASS(pages::seal_contents(store.keys, contents));
  REPRISE_PASS(store::publish_checkpoint(store.layout, {.staged = place.directory(),
                                                        .new_packs = new_packs,
                                                        .packs = rest,
                                                        .id = contents.manifest.id,
                                                        .text = std::move(text)}));
  // Sealed: what the index is not told of is stored once more some day, nothing else.
  (void)arrivals.tell_index();
  return Pulled{
      .manifest = std::move(contents.manifest), .blocks = fetched.blocks, .bytes = fetched.bytes};
}

// What is not here. `store` becomes one with their key, if it is empty.
Result<Pulled> take_theirs(const store::StoreConfig& config,
                           std::shared_ptr<const store::OpenStore>& store, const CheckpointId& id,
                           remote::ObjectStore& from, const TransferProgress& progress,
                           const Acceptance& accept) {
  constexpr int kAttempts = 3;
  for (int attempt = 1;; ++attempt) {
    const std::string text =
        REPRISE_PASS(from.get(remote_checkpoint(id), store::kMaxCheckpointFile));
    REPRISE_PASS(share_their_key(config, store, from, text));
    RemoteKeys known(*store, from);
    const crypto::TenantKeys& keys = *REPRISE_PASS(known.of(text));
    pages::Contents contents = REPRISE_PASS(pages::open_contents(keys, id, text));
    if (accept) REPRISE_PASS(accept(contents.manifest));
    Result<Pulled> taken = take(*store, keys, std::move(contents), from, progress);
    if (taken || attempt == kAttempts) return taken;
    // A node whose store we read may have moved its blocks meanwhile; then its file is another one.
    // Or it was removed, and a gc there was faster than we.
    const auto now = from.get(remote_checkpoint(id), store::kMaxCheckpointFile);
    if (!now && now.error().code() == ErrorCode::kNotFound)
      return std::unexpected(Error(ErrorCode::kNotFound, "it was removed there meanwhile")
                                 .with_suppressed(std::move(taken).error()));
    if (!now || *now == text) return taken;
  }
}

Result<Pulled> pull(const store::StoreConfig& config, const CheckpointId& id,
                    remote::ObjectStore& from, const TransferProgress& progress,
                    const Acceptance& accept) {
  auto store = REPRISE_PASS(store::open_parts(config));
  Pulled pulled;
  if (const Result<pages::Contents> here = store::load_contents(*store, id)) {
    if (accept) REPRISE_PASS(accept(here->manifest));
    pulled.manifest = here->manifest;
  } else {
    if (here.error().code() != ErrorCode::kNotFound) return std::unexpected(here.error());
    pulled = REPRISE_PASS(take_theirs(config, store, id, from, progress, accept));
  }
  pulled.note = REPRISE_PASS(get_note(*store, id, from));
  return pulled;
}

}  // namespace

Result<std::string> remote_note_of(const store::StoreConfig& config, const CheckpointId& id,
                                   remote::ObjectStore& from) {
  const auto store = REPRISE_PASS(store::open_parts(config));
  return get_note(*store, id, from);
}

Result<Pulled> pull_checkpoint(const store::StoreConfig& config, const CheckpointId& id,
                               remote::ObjectStore& from, const TransferProgress& progress,
                               const Acceptance& accept) {
  const std::string step = "pulling checkpoint '" + id.str() + "' from '" + from.url() + "'";
  if (id.empty()) return fail(ErrorCode::kNotFound, step + ": it is no id");
  return REPRISE_TRY(pull(config, id, from, progress, accept), step);
}

}  // namespace reprise::transfer
