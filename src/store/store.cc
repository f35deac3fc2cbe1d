// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <utility>

#include "store/open_catalog.h"

namespace reprise::store {

namespace {

Result<Store> with_checkpoints(const StoreConfig& config, Result<catalog::Catalog> opened) {
  catalog::Catalog catalog = REPRISE_TRY(std::move(opened), "opening the catalog");
  auto checkpoints = REPRISE_PASS(open_store(config));
  return Store{.catalog = std::move(catalog), .checkpoints = std::move(checkpoints)};
}

}  // namespace

Result<Store> open(const StoreConfig& config) {
  return with_checkpoints(config, open_catalog(config));
}

Result<Store> open_existing(const StoreConfig& config) {
  return with_checkpoints(config, open_existing_catalog(config));
}

}  // namespace reprise::store
