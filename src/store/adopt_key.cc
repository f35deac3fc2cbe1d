// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint that was sealed with the old key after the new one is here could never be read. So
// the key is exchanged under the lock that every writer takes to begin, when none lives, and each
// writer looks at the key once it has begun.
#include "store/adopt_key.h"

#include <chrono>

#include "store/key_source.h"
#include "store/staging_place.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::store {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {
constexpr std::chrono::seconds kAdoptionTimeout{10};
}  // namespace

Result<bool> drop_keys_of_empty(const StoreConfig& config) {
  const StoreLayout layout = StoreLayout::of(config);
  for (const path& directory : {layout.staging(), layout.checkpoints(), layout.packs()})
    REPRISE_PASS(sys::make_directories(directory));
  const sys::FileLock creation =
      REPRISE_PASS(sys::FileLock::lock(layout.creation_lock(), kAdoptionTimeout));
  if (!REPRISE_PASS(sys::names_in(layout.checkpoints())).empty() ||
      !REPRISE_PASS(sys::names_in(layout.packs())).empty() ||
      !REPRISE_PASS(living_while_locked(layout)).empty())
    return false;
  REPRISE_PASS(sys::remove_tree(StoreLayout::keys_in(config.root) / (config.tenant + ".json")));
  return true;
}

Result<void> adopt_key(const OpenStore& store, const std::string& key_file) {
  const StoreLayout& layout = store.layout;
  const crypto::Secret kek = REPRISE_PASS(load_or_create_key(store.config));
  const sys::FileLock creation =
      REPRISE_PASS(sys::FileLock::lock(layout.creation_lock(), kAdoptionTimeout));
  if (!REPRISE_PASS(sys::names_in(layout.checkpoints())).empty())
    return fail(ErrorCode::kBusy, "this store has checkpoints of its own");
  if (!REPRISE_PASS(living_while_locked(layout)).empty())
    return fail(ErrorCode::kBusy, "a checkpoint is being written here");
  return crypto::adopt_tenant(StoreLayout::keys_in(store.config.root), store.config.tenant,
                              key_file, kek);
}

Result<void> check_key(const OpenStore& store) {
  const std::string text = REPRISE_PASS(sys::read_file(store.key_file(), kKeyFileLimit));
  if (REPRISE_PASS(crypto::secret_id_in(text)) == store.keys.id) return {};
  return std::unexpected(
      Error(ErrorCode::kBusy, "the store took over another key meanwhile").with_hint("try again"));
}

}  // namespace reprise::store
