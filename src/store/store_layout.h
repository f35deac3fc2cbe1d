// SPDX-License-Identifier: Apache-2.0
//
// Names in the store's directory.
//
//   checkpoints/ID       a sealed checkpoint
//   packs/ID.pack        blocks of pages
//   index.db             where pages lie
//   keys/TENANT.json     a tenant's secret, wrapped
//   tenants/TENANT/      all but keys/, holds/ and upload.…, of a tenant other than `default`
//   holds/ID             locked by those who still read from a checkpoint, whoever its tenant is
//   staging/.lock        taken by whoever makes or takes over a staging directory
//   staging/ID/          a checkpoint being written, or what a reader put together
//   staging/ID.lock      held by its owner; whoever gets it may remove staging/ID
//   staging/removed-ID   on its way out
//   upload.lock          held by the one process that uploads
//   upload.failures      which remotes it cannot upload to, and why; not there if there are none
//   gc.lock              held by the one gc that runs
//   background-gc.lock   held by the one process that frees space when nobody asks
//
// Ids are never used twice, so a staging directory that was taken over has no new writer, and a
// lock file may be unlinked by whoever holds it.
#pragma once

#include <filesystem>
#include <string>

#include "base/id.h"
#include "store/store_config.h"

namespace reprise::store {

using std::filesystem::path;

struct StoreLayout {
  path root;  // of one tenant's

  static StoreLayout of(const StoreConfig& config) {
    if (config.tenant == kTenant) return {.root = config.root};
    return {.root = tenants_in(config.root) / config.tenant};
  }
  // Of the whole store below `root`.
  static path tenants_in(const path& root) { return root / "tenants"; }
  static path keys_in(const path& root) { return root / "keys"; }
  static path holds_in(const path& root) { return root / "holds"; }

  [[nodiscard]] path staging() const { return root / "staging"; }
  [[nodiscard]] path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] path packs() const { return root / "packs"; }
  [[nodiscard]] path gc_lock() const { return root / "gc.lock"; }
  [[nodiscard]] path creation_lock() const { return staging() / ".lock"; }
  [[nodiscard]] path staged(const base::CheckpointId& id) const { return staging() / id.str(); }
  [[nodiscard]] path writer_lock(const base::CheckpointId& id) const {
    return staging() / (id.str() + kLockSuffix);
  }
  [[nodiscard]] path removed(const base::CheckpointId& id) const {
    return staging() / (kRemovedPrefix + id.str());
  }
  [[nodiscard]] path sealed(const base::CheckpointId& id) const { return checkpoints() / id.str(); }

  static constexpr const char* kLockSuffix = ".lock";
  static constexpr const char* kRemovedPrefix = "removed-";
};

}  // namespace reprise::store
