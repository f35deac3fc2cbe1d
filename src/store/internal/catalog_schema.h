// SPDX-License-Identifier: Apache-2.0
//
// The catalog's tables and their versions; docs/format/catalog.md.
#pragma once

#include <filesystem>

#include "base/result.h"

struct sqlite3;

namespace reprise::store {

inline constexpr int kSchemaVersion = 2;

// Brings a fresh connection into the mode that all calls rely on, and creates the tables if the
// database is empty. Any number of processes may do so at once. kUnsupported for a newer version.
base::Result<void> prepare_database(sqlite3* db, const std::filesystem::path& root);

}  // namespace reprise::store
