// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint_store.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <set>
#include <system_error>

#include "pages/page_index.h"
#include "pages/page_reader.h"
#include "store/adopt_key.h"
#include "store/holds.h"
#include "store/internal/needs.h"
#include "store/internal/unique_pages.h"
#include "store/key_source.h"
#include "store/open_catalog.h"
#include "store/open_store.h"
#include "store/staging_place.h"
#include "store/tenants.h"
#include "sys/exists.h"
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

using Tenant = std::shared_ptr<const OpenStore>;

// The tenant that has the checkpoint, among those that may be read; `own`, if none has.
Result<Tenant> holder(const Tenant& own, const CheckpointId& id) {
  const StoreConfig config = REPRISE_PASS(holder_of(own->config, id));
  return config.tenant == own->config.tenant ? own : open_parts(config);
}

Result<std::vector<Tenant>> tenants_of(const Tenant& own) {
  std::vector<Tenant> all;
  for (const StoreConfig& config : REPRISE_PASS(all_tenants(own->config)))
    all.push_back(config.tenant == own->config.tenant ? own : REPRISE_PASS(open_parts(config)));
  return all;
}

Result<std::vector<CheckpointId>> list_of(const StoreLayout& layout) {
  std::vector<CheckpointId> ids;
  if (!REPRISE_PASS(sys::exists(layout.checkpoints()))) return ids;
  for (const std::string& name : REPRISE_PASS(sys::names_in(layout.checkpoints())))
    if (auto id = CheckpointId::parse(name)) ids.push_back(std::move(*id));
  return ids;
}

Result<void> remove_from(const StoreLayout& layout, const CheckpointId& id) {
  // Two who remove the same checkpoint: the slower one finds it gone.
  const Result<void> renamed = sys::rename_durably(layout.sealed(id), layout.removed(id));
  if (!renamed && renamed.error().error_number() != ENOENT) return renamed;
  return sys::remove_tree(layout.removed(id));
}

// Size and number of the packs of one tenant.
Result<std::map<std::string, std::uint64_t>> packs_of(const OpenStore& store) {
  std::map<std::string, std::uint64_t> packs;
  for (const std::string& id : REPRISE_PASS(pages::pack_ids(store.layout.packs()))) {
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(pages::pack_file(store.layout.packs(), id), error);
    if (!error) packs.emplace(id, bytes);
  }
  return packs;
}

Result<void> add_use(const OpenStore& store, StoreUse& use) {
  UniquePages unique;
  for (const CheckpointId& id : REPRISE_PASS(list_of(store.layout))) {
    const Result<pages::Contents> contents = load_contents(store, id);
    if (!contents && contents.error().code() == ErrorCode::kNotFound) continue;  // removed since
    REPRISE_PASS(contents);
    for (const image::ManifestFile& file : contents->manifest.files)
      use.logical_bytes += file.bytes;
    use.unique_bytes += unique.add(*contents);
    std::error_code error;
    const std::uint64_t bytes = fs::file_size(store.layout.sealed(id), error);
    use.stored_bytes += error ? 0 : bytes;
    ++use.checkpoints;
  }
  for (const auto& [pack, bytes] : REPRISE_PASS(packs_of(store))) {
    use.stored_bytes += bytes;
    ++use.packs;
  }
  return {};
}

void add(Collected& all, const Collected& one) {
  all.packs += one.packs;
  all.bytes += one.bytes;
  all.waiting += one.waiting;
}

void add(Compacted& all, Compacted one) {
  all.packs += one.packs;
  all.bytes += one.bytes;
  all.checkpoints += one.checkpoints;
  std::ranges::move(one.damaged, std::back_inserter(all.damaged));
}

void add(Verified& all, Verified one) {
  all.checkpoints += one.checkpoints;
  all.bytes += one.bytes;
  std::ranges::move(one.damages, std::back_inserter(all.damages));
}

}  // namespace

Result<std::unique_ptr<CheckpointWriter>> CheckpointStore::begin(Beginning how) {
  return begin_checkpoint(store_, how);
}

Result<std::unique_ptr<CheckpointReader>> CheckpointStore::open(const CheckpointId& id) {
  return open_checkpoint(REPRISE_PASS(holder(store_, id)), id);
}

Result<image::Manifest> CheckpointStore::manifest(const CheckpointId& id) {
  return REPRISE_PASS(load_contents(*REPRISE_PASS(holder(store_, id)), id)).manifest;
}

Result<int> CheckpointStore::sweep() {
  int swept = 0;
  for (const StoreConfig& config : REPRISE_PASS(all_tenants(store_->config)))
    if (const StoreLayout layout = StoreLayout::of(config);
        REPRISE_PASS(sys::exists(layout.staging())))
      swept += REPRISE_TRY(sweep_staging(layout), "sweeping the store");
  REPRISE_PASS(held());
  return swept;
}

Result<Collected> CheckpointStore::collect(std::chrono::milliseconds patience) {
  Collected all;
  // What cannot be read of one tenant keeps no other's space from being freed.
  Result<void> failed;
  for (const Tenant& one : REPRISE_PASS(tenants_of(store_))) {
    const auto collected = collect_garbage(*one, patience);
    if (collected) add(all, *collected);
    if (!collected && failed) failed = std::unexpected(collected.error());
  }
  REPRISE_PASS(failed);
  return all;
}

Result<Compacted> CheckpointStore::compact(std::chrono::milliseconds patience,
                                           std::uint64_t limit) {
  Compacted all;
  for (const Tenant& one : REPRISE_PASS(tenants_of(store_))) {
    if (all.packs > 0 && all.bytes >= limit) break;
    add(all, REPRISE_PASS(compact_packs(*one, patience, limit - std::min(limit, all.bytes))));
  }
  return all;
}

Result<Verified> CheckpointStore::verify_all(const VerifyProgress& progress) {
  const std::uint64_t count = REPRISE_PASS(list()).size();
  Verified all;
  std::uint64_t before = 0;
  for (const Tenant& one : REPRISE_PASS(tenants_of(store_))) {
    const auto ids = REPRISE_PASS(list_of(one->layout));
    const auto tell = [&](const CheckpointId& id, std::uint64_t done, std::uint64_t) {
      if (progress) progress(id, before + done, std::max(count, before + ids.size()));
    };
    add(all, REPRISE_PASS(verify_checkpoints(*one, ids, tell)));
    before += ids.size();
  }
  return all;
}

Result<Rebuilt> CheckpointStore::rebuild_index(std::chrono::milliseconds patience) {
  Rebuilt all;
  for (const Tenant& one : REPRISE_PASS(tenants_of(store_))) {
    Rebuilt rebuilt = REPRISE_PASS(store::rebuild_index(*one, patience));
    all.pages += rebuilt.pages;
    std::ranges::move(rebuilt.damaged, std::back_inserter(all.damaged));
  }
  return all;
}

Result<void> CheckpointStore::verify(const CheckpointId& id) {
  if (const Tenant its = REPRISE_PASS(holder(store_, id)); its != store_)
    return CheckpointStore(its).verify(id);
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

Result<sys::FileLock> CheckpointStore::hold(const CheckpointId& id) {
  sys::FileLock lock = REPRISE_TRY(hold_checkpoint(StoreLayout::holds_in(store_->config.root), id),
                                   "keeping checkpoint '" + id.str() + "' from being removed");
  const Tenant its = REPRISE_PASS(holder(store_, id));
  if (!REPRISE_PASS(sys::exists(its->layout.sealed(id)))) return no_such_checkpoint(id);
  return lock;
}

Result<std::vector<CheckpointId>> CheckpointStore::held() {
  return held_checkpoints(StoreLayout::holds_in(store_->config.root));
}

Result<RemovalLock> CheckpointStore::begin_removal(const CheckpointId& id) {
  return lock_for_removal(StoreLayout::holds_in(store_->config.root), id);
}

Result<void> CheckpointStore::remove(const CheckpointId& id) {
  if (id.empty()) return {};
  for (const StoreConfig& config : REPRISE_PASS(all_tenants(store_->config)))
    REPRISE_TRY(remove_from(StoreLayout::of(config), id), "removing checkpoint '" + id.str() + "'");
  return {};
}

Result<std::vector<CheckpointId>> CheckpointStore::list() {
  std::set<CheckpointId> ids;
  for (const StoreConfig& config : REPRISE_PASS(all_tenants(store_->config)))
    for (CheckpointId& id : REPRISE_PASS(list_of(StoreLayout::of(config))))
      ids.insert(std::move(id));
  return std::vector(ids.begin(), ids.end());
}

Result<StoreUse> CheckpointStore::use() {
  StoreUse use;
  for (const Tenant& one : REPRISE_PASS(tenants_of(store_))) REPRISE_PASS(add_use(*one, use));
  return use;
}

Result<StoreNeeds> CheckpointStore::needs() {
  StoreNeeds needs;
  for (const Tenant& one : REPRISE_PASS(tenants_of(store_))) {
    pages::PageIndex index =
        REPRISE_PASS(pages::PageIndex::open(one->layout.root, one->keys.pages));
    for (CheckpointNeeds& each : REPRISE_PASS(needs_of_all(*one, index)))
      needs.checkpoints.push_back(std::move(each));
    needs.pack_bytes.merge(REPRISE_PASS(packs_of(*one)));
  }
  std::ranges::sort(needs.checkpoints, {}, &CheckpointNeeds::id);
  return needs;
}

Result<std::uint64_t> CheckpointStore::stored_bytes(const CheckpointId& id) {
  return pages::stored_bytes_of(
      REPRISE_PASS(load_contents(*REPRISE_PASS(holder(store_, id)), id)).blocks);
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
  if (!REPRISE_PASS(drop_keys_of_empty(config))) return opened;
  return open_keys(config);
}

Result<std::shared_ptr<const OpenStore>> open_parts(const StoreConfig& config) {
  const StoreLayout layout = StoreLayout::of(config);
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
