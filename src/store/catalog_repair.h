// SPDX-License-Identifier: Apache-2.0
//
// The catalog made to agree with what is stored.
#pragma once

#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "store/checkpoint_store.h"

namespace reprise::store {

struct CatalogRepair {
  struct Unreadable {
    base::CheckpointId id;
    base::Error why;
  };
  std::vector<base::CheckpointId> added;    // were stored only
  std::vector<base::CheckpointId> removed;  // were in the catalog only
  std::vector<Unreadable> unreadable;       // stored, but what they are is not known
};

// What is in the store and not in the catalog, and the other way round. Not to be had back: tags,
// histories and what containers continue from. A second run does nothing more; after an error what
// was done stays done.
Result<CatalogRepair> repair_catalog(CheckpointStore& checkpoints, catalog::Catalog& catalog);

}  // namespace reprise::store
