// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/internal/ids.h"
#include "catalog/internal/sealed_commands.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;
using base::fail;
using base::SessionId;

namespace {

constexpr std::array<std::pair<LifeEvent, std::string_view>, 5> kLifeEvents{{
    {LifeEvent::kStarted, "started"},
    {LifeEvent::kCheckpointed, "checkpointed"},
    {LifeEvent::kEnded, "ended"},
    {LifeEvent::kRestored, "restored"},
    {LifeEvent::kRestoreFailed, "restore-failed"},
}};

constexpr std::array<std::pair<SessionKind, std::string_view>, 2> kSessionKinds{
    {{SessionKind::kCheckpoint, "checkpoint"}, {SessionKind::kRestore, "restore"}}};

constexpr std::array<std::pair<SessionStatus, std::string_view>, 3> kSessionStatuses{
    {{SessionStatus::kRunning, "running"},
     {SessionStatus::kOk, "ok"},
     {SessionStatus::kFailed, "failed"}}};

template <typename Value, std::size_t kCount>
std::string_view name_in(const std::array<std::pair<Value, std::string_view>, kCount>& names,
                         Value value) {
  const auto* const found =
      std::ranges::find(names, value, &std::pair<Value, std::string_view>::first);
  REPRISE_ASSERT(found != names.end());
  return found->second;
}

// `what` it is not, for the message.
template <typename Value, std::size_t kCount>
Result<Value> value_in(const std::array<std::pair<Value, std::string_view>, kCount>& names,
                       const std::string& text, const char* what) {
  for (const auto& [value, name] : names)
    if (name == text) return value;
  return std::unexpected(base::Error(ErrorCode::kCorrupt, "catalog: '" + text + "' is not " + what)
                             .with_hint("'reprise store repair' mends the catalog"));
}

Result<LifeRow> life_row(const sqlite::Statement& s) {
  int column = 0;
  LifeRow row;
  row.key = REPRISE_PASS(id_in<ContainerKey>(s, column++));
  row.time = s.integer(column++);
  row.event = REPRISE_PASS(value_in(kLifeEvents, s.text(column++), "an event of a life"));
  row.session = REPRISE_PASS(id_in<SessionId>(s, column++));
  row.checkpoint = REPRISE_PASS(id_in<CheckpointId>(s, column++));
  row.detail = s.text(column++);
  row.freeze_ms = s.integer(column++);
  row.restore_ms = s.integer(column++);
  row.bytes = s.natural(column++);
  row.cpu_time_us = s.integer(column++);
  return row;
}

constexpr std::string_view kSelectContainers =
    "SELECT key, name, image, command_image_index, sealed_command, create_command"
    " FROM containers WHERE ";

// Without its command.
Result<ContainerRow> container_row(const sqlite::Statement& s) {
  int column = 0;
  ContainerRow row;
  row.key = REPRISE_PASS(id_in<ContainerKey>(s, column++));
  row.name = s.text(column++);
  row.image = s.text(column++);
  row.command_image_index = static_cast<int>(s.integer(column++));
  return row;
}

constexpr std::string_view kSelectSessions =
    "SELECT id, key, kind, trigger_name, began, ended, status, reason, hint, checkpoint, phases,"
    " log_directory FROM sessions ";

Result<SessionRow> session_row(const sqlite::Statement& s) {
  int column = 0;
  SessionRow row;
  row.id = REPRISE_PASS(id_in<SessionId>(s, column++));
  row.key = REPRISE_PASS(id_in<ContainerKey>(s, column++));
  row.kind = REPRISE_PASS(value_in(kSessionKinds, s.text(column++), "a kind of session"));
  row.trigger = s.text(column++);
  row.begin = s.integer(column++);
  row.end = s.integer(column++);
  row.status = REPRISE_PASS(value_in(kSessionStatuses, s.text(column++), "how a session ended"));
  row.reason = s.text(column++);
  row.hint = s.text(column++);
  row.checkpoint = REPRISE_PASS(id_in<CheckpointId>(s, column++));
  row.phases = s.text(column++);
  row.log_directory = s.text(column++);
  return row;
}

}  // namespace

bool is_life_event(const std::string& text) { return value_in(kLifeEvents, text, "").has_value(); }
bool is_session_kind(const std::string& text) {
  return value_in(kSessionKinds, text, "").has_value();
}
bool is_session_status(const std::string& text) {
  return value_in(kSessionStatuses, text, "").has_value();
}

std::string_view to_string(LifeEvent event) { return name_in(kLifeEvents, event); }
std::string_view to_string(SessionKind kind) { return name_in(kSessionKinds, kind); }
std::string_view to_string(SessionStatus status) { return name_in(kSessionStatuses, status); }

Result<void> Catalog::add_life_event(const LifeRow& row) {
  REPRISE_PASS(sqlite::execute(db_.get(),
                               "INSERT INTO lives (key, time, event, session, checkpoint, detail,"
                               " freeze_ms, restore_ms, bytes, cpu_time_us)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                               row.key.str(), row.time, to_string(row.event), row.session.str(),
                               row.checkpoint.str(), row.detail, row.freeze_ms, row.restore_ms,
                               row.bytes, row.cpu_time_us));
  return {};
}

namespace {

constexpr std::string_view kSelectLives =
    "SELECT key, time, event, session, checkpoint, detail, freeze_ms, restore_ms, bytes,"
    " cpu_time_us FROM lives ";

}  // namespace

Result<std::vector<LifeRow>> Catalog::lives(const ContainerKey& key) {
  return readable_rows(
      sqlite::Statement::prepare(
          db_.get(), std::string(kSelectLives) + "WHERE key = ?1 ORDER BY time, sequence",
          key.str()),
      life_row);
}

Result<std::vector<LifeRow>> Catalog::lives_named(const base::KeyName& name) {
  return readable_rows(
      sqlite::Statement::prepare(db_.get(),
                                 std::string(kSelectLives) +
                                     "WHERE key = ?1 OR substr(key, -length(?2)) = ?2"
                                     " ORDER BY time, sequence",
                                 "@" + name.str(), "/@" + name.str()),
      life_row);
}

Result<int> forget_commands(sqlite3* db, const std::optional<ContainerKey>& only) {
  // A session notes the command before its checkpoint.
  return sqlite::execute(
      db,
      "UPDATE containers SET sealed_command = x'', create_command = ''"
      " WHERE (?1 OR key = ?2) AND (sealed_command <> x'' OR create_command <> '')"
      " AND NOT EXISTS (SELECT 1 FROM checkpoints AS c WHERE c.key = containers.key)"
      " AND NOT EXISTS (SELECT 1 FROM sessions AS s WHERE s.key = containers.key"
      " AND s.status = 'running')",
      !only.has_value(), only ? only->str() : std::string());
}

Result<void> Catalog::put_container(const ContainerRow& row) {
  const auto sealed = REPRISE_PASS(seal_command(keys_, row.key, row.create_command));
  // A replaced row gets a new sequence number, which is the order of containers_named().
  REPRISE_PASS(sqlite::execute(
      db_.get(),
      "INSERT OR REPLACE INTO containers (key, name, image, create_command,"
      " command_image_index, sealed_command) VALUES (?1, ?2, ?3, '', ?4, ?5)",
      row.key.str(), row.name, row.image, row.command_image_index, sqlite::Blob{sealed}));
  return {};
}

Result<std::optional<ContainerRow>> Catalog::container(const ContainerKey& key) {
  constexpr int kSealed = 4;
  constexpr int kPlain = 5;
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(), std::string(kSelectContainers) + "key = ?1", key.str()));
  if (!REPRISE_PASS(statement.step())) return std::nullopt;
  ContainerRow row = REPRISE_PASS(container_row(statement));
  const std::string sealed = statement.text(kSealed);
  row.create_command =
      sealed.empty() ? statement.text(kPlain) : REPRISE_PASS(open_command(keys_, key, sealed));
  return row;
}

Result<std::string> Catalog::container_name(const ContainerKey& key) {
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(), "SELECT name FROM containers WHERE key = ?1", key.str()));
  if (!REPRISE_PASS(statement.step())) return std::string();
  return statement.text(0);
}

Result<int> Catalog::forget_needless_commands() { return forget_commands(db_.get(), std::nullopt); }

Result<std::vector<ContainerRow>> Catalog::containers_named(const std::string& name) {
  return readable_rows(
      sqlite::Statement::prepare(
          db_.get(), std::string(kSelectContainers) + "name = ?1 ORDER BY sequence DESC", name),
      container_row);
}

Result<void> Catalog::begin_session(const SessionRow& row) {
  REPRISE_TRY(
      sqlite::execute(db_.get(),
                      "INSERT INTO sessions (id, key, kind, trigger_name, began, ended, status,"
                      " reason, hint, checkpoint, phases, log_directory)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, 0, 'running', '', '', ?6, ?7, ?8)",
                      row.id.str(), row.key.str(), to_string(row.kind), row.trigger, row.begin,
                      row.checkpoint.str(), row.phases, row.log_directory),
      "recording session '" + row.id.str() + "'");
  return {};
}

Result<void> Catalog::finish_session(const SessionRow& row) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  const int rows = REPRISE_PASS(
      sqlite::execute(db_.get(),
                      "UPDATE sessions SET ended = ?2, status = ?3, reason = ?4, hint = ?5,"
                      " checkpoint = ?6, phases = ?7 WHERE id = ?1 AND status = 'running'",
                      row.id.str(), row.end, to_string(row.status), row.reason, row.hint,
                      row.checkpoint.str(), row.phases));
  if (rows == 0) {
    sqlite::Statement known = REPRISE_PASS(sqlite::Statement::prepare(
        db_.get(), "SELECT 1 FROM sessions WHERE id = ?1", row.id.str()));
    if (REPRISE_PASS(known.step()))
      return fail(ErrorCode::kInvalidInput, "session '" + row.id.str() + "' has finished already");
    return fail(ErrorCode::kNotFound, "there is no session '" + row.id.str() + "'");
  }
  return transaction.commit();
}

Result<std::vector<SessionRow>> Catalog::sessions(int limit) {
  return readable_rows(
      sqlite::Statement::prepare(
          db_.get(), std::string(kSelectSessions) + "ORDER BY began DESC, sequence DESC LIMIT ?1",
          std::max(limit, 0)),
      session_row);
}

Result<std::vector<SessionRow>> Catalog::sessions_of(const base::ContainerKey& key, int limit) {
  return readable_rows(
      sqlite::Statement::prepare(db_.get(),
                                 std::string(kSelectSessions) +
                                     "WHERE key = ?1 ORDER BY began DESC, sequence DESC LIMIT ?2",
                                 key.str(), std::max(limit, 0)),
      session_row);
}

Result<std::vector<SessionRow>> Catalog::sessions_named(const base::KeyName& name, int limit) {
  return readable_rows(
      sqlite::Statement::prepare(db_.get(),
                                 std::string(kSelectSessions) +
                                     "WHERE key = ?1 OR substr(key, -length(?2)) = ?2"
                                     " ORDER BY began DESC, sequence DESC LIMIT ?3",
                                 "@" + name.str(), "/@" + name.str(), std::max(limit, 0)),
      session_row);
}

Result<bool> Catalog::was_restored(const base::CheckpointId& checkpoint) {
  return REPRISE_PASS(sqlite::Statement::prepare(
                          db_.get(),
                          "SELECT 1 FROM sessions WHERE kind = 'restore' AND status = 'ok'"
                          " AND checkpoint = ?1",
                          checkpoint.str()))
      .step();
}

Result<std::vector<SessionRow>> Catalog::running_sessions() {
  return readable_rows(
      sqlite::Statement::prepare(db_.get(),
                                 std::string(kSelectSessions) +
                                     "WHERE status = 'running' ORDER BY began DESC, sequence DESC"),
      session_row);
}

Result<SessionRow> Catalog::find_session(const std::string& id_prefix) {
  // An exact id comes first and wins; it may be the prefix of another.
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(),
      std::string(kSelectSessions) +
          "WHERE substr(id, 1, length(?1)) = ?1 AND ?1 <> '' ORDER BY length(id), id LIMIT 2",
      id_prefix));
  if (!REPRISE_PASS(statement.step()))
    return fail(ErrorCode::kNotFound, "there is no session '" + id_prefix + "'");
  SessionRow row = REPRISE_PASS(session_row(statement));
  if (row.id.str() == id_prefix || !REPRISE_PASS(statement.step())) return row;
  return fail(ErrorCode::kInvalidInput, "'" + id_prefix + "' names more than one session: '" +
                                            row.id.str() + "', '" + statement.text(0) + "'");
}

}  // namespace reprise::catalog
