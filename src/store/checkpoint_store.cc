// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint_store.h"

#include <cerrno>
#include <system_error>

#include "pages/page_index.h"
#include "pages/page_reader.h"
#include "store/adopt_key.h"
#include "store/internal/needs.h"
#include "store/key_source.h"
#include "store/open_catalog.h"
#include "store/open_store.h"
#include "store/staging_place.h"
#include "sys/files.h"

namespace reprise::store {

using base::CheckpointId;
using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

std::unexpected<Error> no_such_checkpoint(const CheckpointId& id) {
  return fail(ErrorCode::kNotFound, "there is no checkpoint '" + id.str() + "'");
}

}  // namespace

Result<std::unique_ptr<CheckpointWriter>> CheckpointStore::begin(Beginning how) {
  return begin_checkpoint(store_, how);
}

Result<std::unique_ptr<CheckpointReader>> CheckpointStore::open(const CheckpointId& id) {
  return open_checkpoint(store_, id);
}

Result<image::Manifest> CheckpointStore::manifest(const CheckpointId& id) {
  return REPRISE_PASS(load_contents(*store_, id)).manifest;
}

Result<int> CheckpointStore::sweep() {
  return REPRISE_TRY(sweep_staging(store_->layout), "sweeping the store");
}

Result<Collected> CheckpointStore::collect(std::chrono::milliseconds patience) {
  return collect_garbage(*store_, patience);
}

Result<Compacted> CheckpointStore::compact(std::chrono::milliseconds patience,
                                           std::uint64_t limit) {
  return compact_packs(*store_, patience, limit);
}

Result<Verified> CheckpointStore::verify_all(const VerifyProgress& progress) {
  return verify_checkpoints(*store_, REPRISE_PASS(list()), progress);
}

Result<Rebuilt> CheckpointStore::rebuild_index(std::chrono::milliseconds patience) {
  return store::rebuild_index(*store_, patience);
}

Result<void> CheckpointStore::verify(const CheckpointId& id) {
  for (;;) {
    const pages::Contents contents = REPRISE_PASS(load_contents(*store_, id));
    Result<void> checked = check_blocks(contents);
    if (checked) return {};
    // A compaction may have moved its blocks after we read where they are.
    if (REPRISE_PASS(load_contents(*store_, id)).blocks == contents.blocks)
      return std::unexpected(
          std::move(checked).error().with_step("verifying checkpoint '" + id.str() + "'"));
  }
}

Result<void> CheckpointStore::check_blocks(const pages::Contents& contents) {
  auto reader =
      REPRISE_PASS(pages::PageReader::open(store_->keys, store_->layout.packs(), contents));
  return reader->check_all();
}

Result<void> CheckpointStore::remove(const CheckpointId& id) {
  if (id.empty()) return {};
  const std::string step = "removing checkpoint '" + id.str() + "'";
  // Two who remove the same checkpoint: the slower one finds it gone.
  const Result<void> renamed =
      sys::rename_durably(store_->layout.sealed(id), store_->layout.removed(id));
  if (!renamed && renamed.error().error_number() != ENOENT) REPRISE_TRY(renamed, step);
  REPRISE_TRY(sys::remove_tree(store_->layout.removed(id)), step);
  return {};
}

Result<std::vector<CheckpointId>> CheckpointStore::list() {
  std::vector<CheckpointId> ids;
  for (const std::string& name : REPRISE_PASS(sys::names_in(store_->layout.checkpoints())))
    if (auto id = CheckpointId::parse(name)) ids.push_back(std::move(*id));
  return ids;
}

Result<StoreUse> CheckpointStore::use() {
  StoreUse use;
  std::error_code error;
  for (const CheckpointId& id : REPRISE_PASS(list())) {
    const Result<pages::Contents> contents = load_contents(*store_, id);
    if (!contents && contents.error().code() == ErrorCode::kNotFound) continue;  // removed since
    for (const image::ManifestFile& file : REPRISE_PASS(contents).manifest.files)
      use.logical_bytes += file.bytes;
    const std::uint64_t bytes = fs::file_size(store_->layout.sealed(id), error);
    use.stored_bytes += error ? 0 : bytes;
    ++use.checkpoints;
  }
  for (const std::string& id : REPRISE_PASS(pages::pack_ids(store_->layout.packs()))) {
    const std::uint64_t bytes = fs::file_size(pages::pack_file(store_->layout.packs(), id), error);
    use.stored_bytes += error ? 0 : bytes;
    ++use.packs;
  }
  pages::PageIndex index =
      REPRISE_PASS(pages::PageIndex::open(store_->layout.root, store_->keys.pages));
  use.unique_bytes = REPRISE_PASS(index.pages()) * pages::kPageBytes;
  return use;
}

Result<StoreNeeds> CheckpointStore::needs() {
  pages::PageIndex index =
      REPRISE_PASS(pages::PageIndex::open(store_->layout.root, store_->keys.pages));
  StoreNeeds needs;
  needs.checkpoints = REPRISE_PASS(needs_of_all(*store_, index));
  for (const std::string& id : REPRISE_PASS(pages::pack_ids(store_->layout.packs()))) {
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(pages::pack_file(store_->layout.packs(), id), error);
    if (!error) needs.pack_bytes.emplace(id, bytes);
  }
  return needs;
}

Result<std::uint64_t> CheckpointStore::stored_bytes(const CheckpointId& id) {
  return pages::stored_bytes_of(REPRISE_PASS(load_contents(*store_, id)).blocks);
}

Result<std::string> read_sealed(const OpenStore& store, const CheckpointId& id) {
  if (id.empty()) return no_such_checkpoint(id);
  const path file = store.layout.sealed(id);
  Result<std::string> text = sys::read_file(file, kMaxCheckpointFile);
  if (!text && text.error().error_number() == ENOENT) return no_such_checkpoint(id);
  if (!text && text.error().error_number() == EISDIR)
    return std::unexpected(
        Error(ErrorCode::kUnsupported,
              "checkpoint '" + id.str() + "' was written by an older version of Reprise")
            .with_hint("restore it with that version, or remove '" + file.string() + "'"));
  return REPRISE_TRY(std::move(text), "opening checkpoint '" + id.str() + "'");
}

Result<pages::Contents> load_contents(const OpenStore& store, const CheckpointId& id) {
  const std::string text = REPRISE_PASS(read_sealed(store, id));
  return REPRISE_TRY(pages::open_contents(store.keys, id, text),
                     "opening checkpoint '" + id.str() + "'");
}

Result<void> load_blocks(const OpenStore& store, const CheckpointId& id,
                         const std::function<void(const pages::BlockPlace&)>& visit) {
  std::string text = REPRISE_PASS(read_sealed(store, id));
  REPRISE_TRY(pages::visit_blocks(store.keys, id, std::move(text), visit),
              "opening checkpoint '" + id.str() + "'");
  return {};
}

Result<crypto::TenantKeys> open_tenant_keys(const StoreConfig& config) {
  auto opened = open_keys(config);
  if (opened || opened.error().code() != ErrorCode::kDenied) return opened;
  // A key was copied over the one with which a store that holds nothing was made.
  if (!REPRISE_PASS(drop_keys_of_empty(StoreLayout{config.root}, config.tenant))) return opened;
  return open_keys(config);
}

Result<std::shared_ptr<const OpenStore>> open_parts(const StoreConfig& config) {
  const StoreLayout layout{config.root};
  const std::string step = "opening the store '" + layout.root.string() + "'";
  for (const path& directory : {layout.staging(), layout.checkpoints(), layout.packs()})
    REPRISE_TRY(sys::make_directories(directory), step);
  auto keys = REPRISE_TRY(open_tenant_keys(config), step);
  return std::make_shared<const OpenStore>(config, layout, std::move(keys));
}

Result<std::unique_ptr<CheckpointStore>> open_store(const StoreConfig& config) {
  return std::make_unique<CheckpointStore>(REPRISE_PASS(open_parts(config)));
}

Result<void> check_exists(const StoreConfig& config) {
  std::error_code error;
  if (fs::exists(config.root / "checkpoints", error)) return {};
  if (error) return fail_errno(error.value(), "looking into '" + config.root.string() + "'");
  REPRISE_PASS(open_existing_catalog(config));
  return {};
}

Result<std::unique_ptr<CheckpointStore>> open_existing_store(const StoreConfig& config) {
  REPRISE_PASS(check_exists(config));
  return open_store(config);
}

}  // namespace reprise::store
