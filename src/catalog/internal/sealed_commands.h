// SPDX-License-Identifier: Apache-2.0
//
// The commands that made containers, as they lie in the catalog: sealed with the tenant's key,
// since they hold what people gave as `--env` and as arguments.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "catalog/catalog.h"

struct sqlite3;

namespace reprise::catalog {

using base::Result;

// Errors of `keys` are passed on.
Result<std::vector<std::byte>> seal_command(const KeyLoader& keys, const base::ContainerKey& key,
                                            const std::string& command);
// Empty if it was sealed with keys that the store had before it took over others: nobody can know
// it any more. kCorrupt.
Result<std::string> open_command(const KeyLoader& keys, const base::ContainerKey& key,
                                 const std::string& sealed);

// Forgets those of containers that have neither a checkpoint nor a session that runs; of one alone,
// or of all. Returns how many there were.
Result<int> forget_commands(sqlite3* db, const std::optional<base::ContainerKey>& only);

// Seals those that an older version left plain, and removes what the database file holds of them.
Result<void> seal_plain_commands(sqlite3* db, const KeyLoader& keys);

}  // namespace reprise::catalog
