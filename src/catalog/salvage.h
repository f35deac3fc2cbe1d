// SPDX-License-Identifier: Apache-2.0
//
// A damaged catalog: found, and replaced by one with what can be read of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace reprise::catalog {

using base::Result;

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

}  // namespace reprise::catalog
