// SPDX-License-Identifier: Apache-2.0
//
// The catalog of a store, with the store's keys for what is sealed in it.
#pragma once

#include "catalog/catalog.h"
#include "store/store_config.h"

namespace reprise::store {

// As catalog::Catalog::open() and open_existing(). The keys are looked for when one is needed, and
// made if there are none; errors as open_keys().
base::Result<catalog::Catalog> open_catalog(const StoreConfig& config);
base::Result<catalog::Catalog> open_existing_catalog(const StoreConfig& config);

}  // namespace reprise::store
