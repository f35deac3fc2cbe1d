// SPDX-License-Identifier: Apache-2.0
#include "store/open_catalog.h"

#include <utility>

#include "store/open_store.h"

namespace reprise::store {

using base::Result;

namespace {

// The catalog is the whole store's, whose part of it is opened.
catalog::KeyLoader keys_of_node(StoreConfig config) {
  config.tenant = kTenant;
  return [config = std::move(config)] { return open_tenant_keys(config); };
}

}  // namespace

Result<catalog::Catalog> open_catalog(const StoreConfig& config) {
  return catalog::Catalog::open(config.root, keys_of_node(config));
}

Result<catalog::Catalog> open_existing_catalog(const StoreConfig& config) {
  return catalog::Catalog::open_existing(config.root, keys_of_node(config));
}

}  // namespace reprise::store
