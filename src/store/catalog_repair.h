// SPDX-License-Identifier: Apache-2.0
//
// The catalog made to agree with what is stored.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "store/catalog.h"
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
Result<CatalogRepair> repair_catalog(CheckpointStore& checkpoints, Catalog& catalog);

// What is wrong with ROOT/catalog.db; nothing if it is whole, or if there is none. Reads all of it
// and changes nothing. kUnsupported if a newer version of Reprise wrote it.
Result<std::optional<std::string>> find_catalog_damage(const std::filesystem::path& root);

struct SalvagedCatalog {
  std::filesystem::path damaged;  // where the old one lies now
  std::vector<std::string> lost;  // tables that could not be read, or not wholly
};

// Puts a new catalog in the place of a damaged one, with what can be read of that. No session may
// run, since what it notes meanwhile goes to the old one. kUnsupported as above. After an error or
// a kill the old one is where it was.
Result<SalvagedCatalog> replace_catalog(const std::filesystem::path& root);

}  // namespace reprise::store
