// SPDX-License-Identifier: Apache-2.0
#include "podman/container_config.h"

#include <sqlite3.h>

#include <filesystem>
#include <memory>

#include "podman/client.h"
#include "sys/child.h"

namespace reprise::podman {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// Podman's writers hold their lock for milliseconds.
constexpr int kBusyTimeoutMs = 10'000;

struct Close {
  void operator()(sqlite3* db) const { ::sqlite3_close(db); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Query = std::unique_ptr<sqlite3_stmt, Close>;

std::unexpected<Error> database_failed(sqlite3* db, const std::filesystem::path& file) {
  return fail(ErrorCode::kIo,
              "reading Podman's database '" + file.string() + "': " + ::sqlite3_errmsg(db));
}

Result<std::filesystem::path> find_database() {
  const std::string text = REPRISE_TRY(
      run_ok({"podman", "info", "--format", "{{.Host.DatabaseBackend}} {{.Store.GraphRoot}}"}),
      "looking for Podman's database");
  const std::string line = sys::last_line(text);
  const std::size_t space = line.find(' ');
  if (space != std::string::npos && line.substr(0, space) == "sqlite")
    return std::filesystem::path(line.substr(space + 1)) / "db.sql";
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "Podman keeps its containers in a database of another kind ('" + line.substr(0, space) +
                "'), not SQLite")
          .with_hint("move Podman to SQLite ('database_backend' in containers.conf)"));
}

Result<Database> open_database(const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  const int status = ::sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  Database db(opened);
  if (status != SQLITE_OK) return database_failed(db.get(), file);
  ::sqlite3_busy_timeout(db.get(), kBusyTimeoutMs);
  return db;
}

// Podman 4.8 to 5.4: libpod/sqlite_state_internal.go.
Result<std::string> read_config(const std::filesystem::path& file, const std::string& id) {
  const Database db = REPRISE_PASS(open_database(file));
  sqlite3_stmt* prepared = nullptr;
  const int status = ::sqlite3_prepare_v2(
      db.get(), "SELECT JSON FROM ContainerConfig WHERE ID = ?1", -1, &prepared, nullptr);
  const Query query(prepared);
  if (status != SQLITE_OK ||
      ::sqlite3_bind_text(query.get(), 1, id.c_str(), -1, SQLITE_STATIC) != SQLITE_OK)
    return database_failed(db.get(), file);
  const int row = ::sqlite3_step(query.get());
  if (row == SQLITE_DONE) return fail(ErrorCode::kNotFound, "Podman has no container '" + id + "'");
  if (row != SQLITE_ROW) return database_failed(db.get(), file);
  const auto* text = static_cast<const char*>(::sqlite3_column_blob(query.get(), 0));
  const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(query.get(), 0));
  return text == nullptr ? std::string() : std::string(text, size);
}

// GRAPHROOT/overlay-containers/ID/userdata, whatever the storage driver is called; empty for a
// bundle of somebody else.
std::filesystem::path database_beside(const std::filesystem::path& bundle, const std::string& id) {
  const std::filesystem::path container = bundle.lexically_normal().parent_path();
  if (bundle.filename() != "userdata" || container.filename() != id) return {};
  return container.parent_path().parent_path() / "db.sql";
}

}  // namespace

Result<std::string> load_container_config(const std::string& id) {
  return read_config(REPRISE_PASS(find_database()), id);
}

Result<ContainerInfo> load_recorded_info(const std::filesystem::path& bundle,
                                         const std::string& id) {
  const std::filesystem::path file = database_beside(bundle, id);
  std::error_code error;
  if (file.empty() || !std::filesystem::exists(file, error))
    return fail(ErrorCode::kNotFound, "'" + bundle.string() + "' is no bundle of Podman's");
  return parse_container_config(REPRISE_PASS(read_config(file, id)));
}

}  // namespace reprise::podman
