// SPDX-License-Identifier: Apache-2.0
//
// A store that is open: the catalog, and the checkpoints that it tells of.
#pragma once

#include <memory>

#include "catalog/catalog.h"
#include "store/checkpoint_store.h"
#include "store/store_config.h"

namespace reprise::store {

struct Store {
  catalog::Catalog catalog;
  std::unique_ptr<CheckpointStore> checkpoints;  // never null
};

// Opens both, and creates them where there are none. Errors as catalog::Catalog::open() and
// open_store().
Result<Store> open(const StoreConfig& config);
// kNotFound, with a hint, if there is none.
Result<Store> open_existing(const StoreConfig& config);

}  // namespace reprise::store
