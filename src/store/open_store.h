// SPDX-License-Identifier: Apache-2.0
//
// What writer, reader and gc of an opened store share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "crypto/keys.h"
#include "pages/contents.h"
#include "store/checkpoint_store.h"
#include "store/store_config.h"
#include "store/store_layout.h"

namespace reprise::store {

// The wrapped keys of a tenant.
inline constexpr std::size_t kKeyFileLimit = 4096;
// The file of a checkpoint of some TB.
inline constexpr std::size_t kMaxCheckpointFile = std::size_t{1} << 30;

struct OpenStore {
  StoreConfig config;
  StoreLayout layout;
  crypto::TenantKeys keys;

  // The tenant's wrapped key, here below the store's root and at a remote: "keys/default.json".
  [[nodiscard]] std::string key_name() const { return "keys/" + config.tenant + ".json"; }
  [[nodiscard]] path key_file() const { return config.root / key_name(); }
};

Result<std::unique_ptr<CheckpointWriter>> begin_checkpoint(std::shared_ptr<const OpenStore> store,
                                                           CheckpointStore::Beginning how);
Result<std::unique_ptr<CheckpointReader>> open_checkpoint(std::shared_ptr<const OpenStore> store,
                                                          const base::CheckpointId& id);
// The keys of the store's tenant, which are made the first time. Errors as open_keys().
Result<crypto::TenantKeys> open_tenant_keys(const StoreConfig& config);
// Opens the store as open_store() does.
Result<std::shared_ptr<const OpenStore>> open_parts(const StoreConfig& config);
// The file of a sealed checkpoint, and what is in it. kNotFound.
Result<std::string> read_sealed(const OpenStore& store, const base::CheckpointId& id);
Result<pages::Contents> load_contents(const OpenStore& store, const base::CheckpointId& id);
// Its blocks alone, as visit_blocks() says. kNotFound.
Result<void> load_blocks(const OpenStore& store, const base::CheckpointId& id,
                         const std::function<void(const pages::BlockPlace&)>& visit);
Result<Collected> collect_garbage(const OpenStore& store, std::chrono::milliseconds patience);
Result<Compacted> compact_packs(const OpenStore& store, std::chrono::milliseconds patience,
                                std::uint64_t limit);
Result<Verified> verify_checkpoints(const OpenStore& store,
                                    const std::vector<base::CheckpointId>& ids,
                                    const VerifyProgress& progress);
Result<Rebuilt> rebuild_index(const OpenStore& store, std::chrono::milliseconds patience);

}  // namespace reprise::store
