// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "catalog/internal/claim_state.h"
#include "catalog/internal/ids.h"
#include "catalog/internal/schema.h"
#include "catalog/internal/sealed_commands.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;
using base::fail;

namespace {

constexpr std::size_t kMinPrefix = 3;

constexpr std::string_view kSelectCheckpoints =
    "SELECT id, key, name, tag, trigger_name, ended, created, freeze_ms, bytes, cpu_time_us,"
    " EXISTS (SELECT 1 FROM continuations AS c WHERE c.checkpoint = checkpoints.id), pinned,"
    " stored_bytes"
    " FROM checkpoints ";
constexpr std::string_view kNewestFirst = " ORDER BY created DESC, sequence DESC";

std::string select_checkpoints(std::string_view where) {
  return std::string(kSelectCheckpoints).append(where).append(kNewestFirst);
}

Result<CheckpointRow> checkpoint_row(const sqlite::Statement& s) {
  int column = 0;
  CheckpointRow row;
  row.id = REPRISE_PASS(id_in<CheckpointId>(s, column++));
  row.key = REPRISE_PASS(id_in<ContainerKey>(s, column++));
  row.name = s.text(column++);
  row.tag = s.text(column++);
  row.trigger = REPRISE_TRY(image::parse_trigger(s.text(column++)), "reading the catalog");
  row.ended = s.integer(column++) != 0;
  row.created = s.integer(column++);
  row.freeze_ms = s.integer(column++);
  row.bytes = s.natural(column++);
  row.cpu_time_us = s.integer(column++);
  row.pending = s.integer(column++) != 0;
  row.pinned = s.integer(column++) != 0;
  if (s.integer(column) >= 0) row.stored_bytes = s.natural(column);
  return row;
}

// All that there are, or an error: what somebody names must not be taken for what is not there.
Result<std::vector<CheckpointRow>> checkpoint_rows(Result<sqlite::Statement> statement) {
  if (!statement) return std::unexpected(statement.error());
  std::vector<CheckpointRow> rows;
  while (REPRISE_PASS(statement->step())) rows.push_back(REPRISE_PASS(checkpoint_row(*statement)));
  return rows;
}

Result<CheckpointRow> the_only(std::vector<CheckpointRow> rows, const std::string& name) {
  if (rows.size() == 1) return std::move(rows.front());
  std::string candidates;
  for (const CheckpointRow& row : rows)
    candidates += (candidates.empty() ? "'" : ", '") + row.id.str() + "'";
  return fail(ErrorCode::kInvalidInput,
              "'" + name + "' names more than one checkpoint: " + candidates);
}

// Whose checkpoint that is.
Result<std::optional<ContainerKey>> key_of(sqlite3* db, const CheckpointId& id) {
  sqlite::Statement statement = REPRISE_PASS(
      sqlite::Statement::prepare(db, "SELECT key FROM checkpoints WHERE id = ?1", id.str()));
  if (!REPRISE_PASS(statement.step())) return std::nullopt;
  return std::optional(REPRISE_PASS(id_in<ContainerKey>(statement, 0)));
}

}  // namespace

Catalog::Catalog(sqlite::Database db, KeyLoader keys)
    : db_(std::move(db)), keys_(std::move(keys)) {}
Catalog::Catalog(Catalog&&) noexcept = default;
Catalog& Catalog::operator=(Catalog&&) noexcept = default;
Catalog::~Catalog() = default;

Result<Catalog> Catalog::open(const std::filesystem::path& root, KeyLoader keys) {
  auto opened = sqlite::open_database(root, kCatalogSchema);
  if (!opened && opened.error().code() == ErrorCode::kCorrupt)
    return std::unexpected(std::move(opened).error().with_hint(
        "'reprise store repair' makes it anew, with what can be read of it"));
  sqlite::Database db = REPRISE_PASS(std::move(opened));
  // Commands that are forgotten are so for whoever reads the file.
  REPRISE_PASS(sqlite::run_script(db.get(), "PRAGMA secure_delete = ON"));
  // What an older version left plain stays so where the key is missing just now.
  (void)seal_plain_commands(db.get(), keys);
  return Catalog(std::move(db), std::move(keys));
}

Result<bool> Catalog::exists(const std::filesystem::path& root) {
  const std::filesystem::path file = root / kCatalogSchema.file;
  struct stat status{};
  if (::stat(file.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  return base::fail_errno(errno, "looking for the catalog '" + file.string() + "'");
}

Result<Catalog> Catalog::open_existing(const std::filesystem::path& root, KeyLoader keys) {
  if (REPRISE_PASS(exists(root))) return open(root, std::move(keys));
  return std::unexpected(
      base::Error(ErrorCode::kNotFound, "there is no store at '" + root.string() + "'")
          .with_hint("the first checkpoint makes one; if there was one, is its disk mounted?"));
}

Result<void> Catalog::add_checkpoint(const image::Manifest& manifest, const std::string& tag,
                                     Continue continue_from_it) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  REPRISE_TRY(
      sqlite::execute(
          db_.get(),
          "INSERT INTO checkpoints (id, key, name, tag, trigger_name, ended, created,"
          " freeze_ms, bytes, cpu_time_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
          manifest.id.str(), manifest.key.str(), manifest.name, tag,
          image::to_string(manifest.trigger), manifest.ended, manifest.created, manifest.freeze_ms,
          image::bytes_of(manifest), manifest.cpu_time_us),
      "adding checkpoint '" + manifest.id.str() + "'");
  if (continue_from_it == Continue::kYes)
    REPRISE_PASS(sqlite::execute(
        db_.get(), "INSERT OR REPLACE INTO continuations (key, checkpoint) VALUES (?1, ?2)",
        manifest.key.str(), manifest.id.str()));
  return transaction.commit();
}

Result<std::vector<CheckpointRow>> Catalog::checkpoints() {
  return readable_rows(sqlite::Statement::prepare(db_.get(), select_checkpoints("")),
                       checkpoint_row);
}

Result<std::vector<CheckpointRow>> Catalog::checkpoints(const ContainerKey& key) {
  return readable_rows(
      sqlite::Statement::prepare(db_.get(), select_checkpoints("WHERE key = ?1"), key.str()),
      checkpoint_row);
}

Result<CheckpointRow> Catalog::find_checkpoint(const std::string& id_prefix_or_tag) {
  const std::string& name = id_prefix_or_tag;
  // From the most to the least exact: a tag may well look like the beginning of an id.
  for (const std::string_view where :
       {"WHERE id = ?1", "WHERE tag = ?1 AND tag <> ''", "WHERE substr(id, 1, length(?1)) = ?1"}) {
    if (where.contains("substr") && name.size() < kMinPrefix) break;
    auto rows = REPRISE_PASS(
        checkpoint_rows(sqlite::Statement::prepare(db_.get(), select_checkpoints(where), name)));
    if (!rows.empty()) return the_only(std::move(rows), name);
  }
  return std::unexpected(base::Error(ErrorCode::kNotFound, "there is no checkpoint '" + name + "'")
                             .with_hint("'reprise checkpoint ls' lists them"));
}

Result<void> Catalog::remove_checkpoint(const CheckpointId& id) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  const auto claims = REPRISE_PASS(claims_of(db_.get(), id));
  for (const ClaimState& claim : claims)
    if (REPRISE_PASS(is_held(claim)))
      return fail(ErrorCode::kBusy, "checkpoint '" + id.str() + "' is being restored by session '" +
                                        claim.session + "'");
  const auto key = REPRISE_PASS(key_of(db_.get(), id));
  // Continuations from it go with it: ON DELETE CASCADE.
  REPRISE_TRY(sqlite::execute(db_.get(), "DELETE FROM checkpoints WHERE id = ?1", id.str()),
              "removing checkpoint '" + id.str() + "'");
  if (key) REPRISE_PASS(forget_commands(db_.get(), key));
  return transaction.commit();
}

Result<bool> Catalog::remove_unneeded(const CheckpointId& id) {
  const auto key = REPRISE_PASS(key_of(db_.get(), id));
  // One statement: a start that claims it meanwhile comes before or after.
  const int rows = REPRISE_TRY(
      sqlite::execute(
          db_.get(),
          "DELETE FROM checkpoints WHERE id = ?1 AND tag = '' AND NOT pinned AND NOT EXISTS"
          " (SELECT 1 FROM continuations AS c WHERE c.checkpoint = checkpoints.id)",
          id.str()),
      "removing checkpoint '" + id.str() + "'");
  if (rows > 0 && key) REPRISE_PASS(forget_commands(db_.get(), key));
  return rows > 0;
}

Result<void> Catalog::set_pin(const CheckpointId& id, Pin pin) {
  if (REPRISE_PASS(sqlite::execute(db_.get(), "UPDATE checkpoints SET pinned = ?2 WHERE id = ?1",
                                   id.str(), pin == Pin::kYes)) == 0)
    return fail(ErrorCode::kNotFound, "there is no checkpoint '" + id.str() + "'");
  return {};
}

Result<void> Catalog::note_stored_bytes(const CheckpointId& id, std::uint64_t bytes) {
  REPRISE_PASS(sqlite::execute(db_.get(), "UPDATE checkpoints SET stored_bytes = ?2 WHERE id = ?1",
                               id.str(), bytes));
  return {};
}

Result<void> Catalog::note_freeze(const CheckpointId& id, std::int64_t freeze_ms) {
  REPRISE_PASS(sqlite::execute(db_.get(), "UPDATE checkpoints SET freeze_ms = ?2 WHERE id = ?1",
                               id.str(), freeze_ms));
  return {};
}

}  // namespace reprise::catalog
