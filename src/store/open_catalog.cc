// SPDX-License-Identifier: Apache-2.0
#include "store/open_catalog.h"

#include "store/open_store.h"

namespace reprise::store {

using base::Result;

Result<catalog::Catalog> open_catalog(const StoreConfig& config) {
  return catalog::Catalog::open(config.root, [config] { return open_tenant_keys(config); });
}

Result<catalog::Catalog> open_existing_catalog(const StoreConfig& config) {
  return catalog::Catalog::open_existing(config.root,
                                         [config] { return open_tenant_keys(config); });
}

}  // namespace reprise::store
