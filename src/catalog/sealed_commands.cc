// SPDX-License-Identifier: Apache-2.0
#include "catalog/internal/sealed_commands.h"

#include <utility>

#include "base/bytes.h"
#include "catalog/internal/ids.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

using base::ContainerKey;

namespace {

// What a command is sealed for, so that none can be given to another container.
std::string command_bound(const ContainerKey& key) {
  return "reprise container 1 " + key.str() + "\n";
}

Result<std::vector<std::byte>> seal_with(const crypto::TenantKeys& keys, const ContainerKey& key,
                                         const std::string& command) {
  const auto id = base::as_bytes(keys.id);
  std::vector<std::byte> text(id.begin(), id.end());
  std::vector<std::byte> sealed;
  REPRISE_PASS(
      keys.manifests.seal(base::as_bytes(command), base::as_bytes(command_bound(key)), sealed));
  text.insert(text.end(), sealed.begin(), sealed.end());
  return text;
}

struct Plain {
  ContainerKey key;
  std::string command;
};

Result<std::vector<Plain>> plain_commands(sqlite3* db) {
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db, "SELECT key, create_command FROM containers WHERE create_command <> ''"));
  return readable_rows(std::move(statement), [](sqlite::Statement& row) -> Result<Plain> {
    ContainerKey key = REPRISE_PASS(id_in<ContainerKey>(row, 0));
    return Plain{.key = std::move(key), .command = row.text(1)};
  });
}

}  // namespace

Result<std::vector<std::byte>> seal_command(const KeyLoader& load, const ContainerKey& key,
                                            const std::string& command) {
  if (command.empty()) return std::vector<std::byte>();
  const auto keys = REPRISE_TRY(load(), "sealing the command of container '" + key.str() + "'");
  return seal_with(keys, key, command);
}

Result<std::string> open_command(const KeyLoader& load, const ContainerKey& key,
                                 const std::string& sealed) {
  if (sealed.empty()) return std::string();
  const std::string step = "reading the command of container '" + key.str() + "'";
  const auto keys = REPRISE_TRY(load(), step);
  if (!sealed.starts_with(keys.id)) return std::string();
  std::vector<std::byte> command;
  REPRISE_TRY(keys.manifests.open(base::as_bytes(std::string_view(sealed).substr(keys.id.size())),
                                  base::as_bytes(command_bound(key)), command),
              step);
  return std::string(base::as_text(command));
}

Result<void> seal_plain_commands(sqlite3* db, const KeyLoader& load) {
  if (REPRISE_PASS(plain_commands(db)).empty()) return {};
  const auto keys = REPRISE_PASS(load());
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db));
  for (const Plain& plain : REPRISE_PASS(plain_commands(db))) {
    const auto sealed = REPRISE_PASS(seal_with(keys, plain.key, plain.command));
    REPRISE_PASS(sqlite::execute(
        db, "UPDATE containers SET sealed_command = ?2, create_command = '' WHERE key = ?1",
        plain.key.str(), sqlite::Blob{sealed}));
  }
  REPRISE_PASS(transaction.commit());
  // Of rows that were replaced, too. Where somebody reads just now, the log is emptied later.
  return sqlite::run_script(db, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace reprise::catalog
