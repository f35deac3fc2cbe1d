// SPDX-License-Identifier: Apache-2.0
//
// The catalog made to agree with what is stored.
#pragma once

#include <filesystem>
#include <string>
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
  std::vector<base::CheckpointId> added;      // were stored only
  std::vector<base::CheckpointId> removed;    // were in the catalog only
  std::vector<base::CheckpointId> rewritten;  // their rows could not be read
  std::vector<Unreadable> unreadable;         // stored, but what they are is not known
  // Other rows that could not be read, and the database in which they lie now.
  std::vector<std::string> set_aside;
  std::filesystem::path aside;
};

// What is in the store and not in the catalog, and the other way round. Rows that cannot be read
// are written anew from the checkpoint's manifest, or else put aside, beside the catalog in `root`.
// Not to be had back: tags, histories and what containers continue from. A second run does nothing
// more; after an error what was done stays done.
Result<CatalogRepair> repair_catalog(CheckpointStore& checkpoints, catalog::Catalog& catalog,
                                     const std::filesystem::path& root);

}  // namespace reprise::store
