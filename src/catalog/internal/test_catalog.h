// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this module only: catalogs that are opened with the same keys.
#pragma once

#include <filesystem>

#include "catalog/catalog.h"
#include "crypto/test_keys.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::catalog {

using sys::TestDirectory;
using sys::value_of;

inline Result<Catalog> open_catalog(const std::filesystem::path& root) {
  return Catalog::open(root, []() -> Result<crypto::TenantKeys> { return crypto::fixed_keys(); });
}

}  // namespace reprise::catalog
