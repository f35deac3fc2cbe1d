// SPDX-License-Identifier: Apache-2.0
//
// A SQLite database in a directory of ours: the catalog, the index. In WAL mode, mode 0600, its
// tables of the version that we know.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

struct sqlite3;

namespace reprise::sqlite {

// How long a call waits for other writers before it fails with kBusy.
inline constexpr std::chrono::milliseconds kBusyTimeout{10'000};

struct DatabaseSchema {
  const char* file;  // in the store's root
  const char* name;  // for people: "catalog"
  // SQL that leads from each version (PRAGMA user_version) to the next one; the first makes the
  // tables. As many as the newest version.
  std::span<const char* const> steps;
};

struct CloseDatabase {
  void operator()(sqlite3* db) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// Opens ROOT/FILE; makes it if it is not there, and upgrades it if it is older. Any number of
// processes may do so at once. kUnsupported if a newer version of Reprise wrote it, kCorrupt if it
// is no database. A connection is for one thread.
base::Result<Database> open_database(const std::filesystem::path& root,
                                     const DatabaseSchema& schema);

// What is wrong with it, as far as SQLite can see: all of it is read. Nothing if it is whole, or if
// there is none. Changes nothing. kUnsupported if a newer version of Reprise wrote it; other errors
// say that it could not be looked at.
base::Result<std::optional<std::string>> find_damage(const std::filesystem::path& root,
                                                     const DatabaseSchema& schema);

}  // namespace reprise::sqlite
