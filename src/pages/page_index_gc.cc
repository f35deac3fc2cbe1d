// SPDX-License-Identifier: Apache-2.0
//
// What gc asks of the index, and tells it.
#include <algorithm>
#include <charconv>
#include <system_error>

#include "pages/page_index.h"

namespace reprise::pages {

Result<std::vector<std::string>> PageIndex::condemned() {
  std::vector<std::string> packs;
  sqlite::Statement statement =
      REPRISE_PASS(sqlite::Statement::prepare(db_.get(), "SELECT id FROM packs WHERE condemned"));
  while (REPRISE_PASS(statement.step())) packs.push_back(statement.text(0));
  return packs;
}

Result<void> PageIndex::condemn(std::span<const std::string> packs) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  for (const std::string& pack : packs)
    REPRISE_PASS(
        sqlite::execute(db_.get(),
                        "INSERT INTO packs (id, condemned) VALUES (?1, 1) ON CONFLICT (id) DO "
                        "UPDATE SET condemned = 1",
                        pack));
  return transaction.commit();
}

Result<void> PageIndex::pardon(std::span<const std::string> packs) {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  for (const std::string& pack : packs)
    REPRISE_PASS(sqlite::execute(db_.get(), "UPDATE packs SET condemned = 0 WHERE id = ?1", pack));
  return transaction.commit();
}

Result<std::vector<std::string>> PageIndex::forget(std::span<const std::string> packs) {
  std::vector<std::string> forgotten;
  if (packs.empty()) return forgotten;
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  for (const std::string& pack : packs)
    if (REPRISE_PASS(
            sqlite::execute(db_.get(), "DELETE FROM packs WHERE id = ?1 AND condemned", pack)) > 0)
      forgotten.push_back(pack);
  REPRISE_PASS(sqlite::execute(db_.get(),
                               "DELETE FROM pages WHERE block NOT IN (SELECT number FROM blocks)"));
  REPRISE_PASS(transaction.commit());
  return forgotten;
}

namespace {

std::string joined(std::span<const PackNeed> packs) {
  std::string text;
  for (const PackNeed& need : packs) text += need.pack + '=' + std::to_string(need.bytes) + ' ';
  return text;
}

// nullopt for a text that joined() did not make.
std::optional<std::vector<PackNeed>> split(std::string_view text) {
  std::vector<PackNeed> packs;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::size_t equal = text.substr(0, end).find('=');
    if (end == std::string_view::npos || equal == std::string_view::npos) return std::nullopt;
    PackNeed need{.pack = std::string(text.substr(0, equal))};
    const char* const last = text.data() + end;
    const auto read = std::from_chars(text.data() + equal + 1, last, need.bytes);
    if (read.ec != std::errc() || read.ptr != last) return std::nullopt;
    packs.push_back(std::move(need));
    text.remove_prefix(end + 1);
  }
  return packs;
}

}  // namespace

Result<std::optional<std::vector<PackNeed>>> PageIndex::needs(const std::string& checkpoint,
                                                              const std::string& stamp) {
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(), "SELECT packs FROM needs WHERE checkpoint = ?1 AND stamp = ?2", checkpoint,
      stamp));
  if (!REPRISE_PASS(statement.step())) return std::nullopt;
  return split(statement.text(0));
}

Result<void> PageIndex::note_needs(const std::string& checkpoint, const std::string& stamp,
                                   std::span<const PackNeed> packs) {
  REPRISE_PASS(sqlite::execute(
      db_.get(), "INSERT OR REPLACE INTO needs (checkpoint, stamp, packs) VALUES (?1, ?2, ?3)",
      checkpoint, stamp, joined(packs)));
  return {};
}

Result<void> PageIndex::forget_needs_but(std::span<const std::string> checkpoints) {
  std::vector<std::string> gone;
  sqlite::Statement statement =
      REPRISE_PASS(sqlite::Statement::prepare(db_.get(), "SELECT checkpoint FROM needs"));
  while (REPRISE_PASS(statement.step()))
    if (!std::ranges::binary_search(checkpoints, statement.text(0)))
      gone.push_back(statement.text(0));
  for (const std::string& checkpoint : gone)
    REPRISE_PASS(sqlite::execute(db_.get(), "DELETE FROM needs WHERE checkpoint = ?1", checkpoint));
  return {};
}

Result<std::uint64_t> PageIndex::pages() {
  sqlite::Statement statement =
      REPRISE_PASS(sqlite::Statement::prepare(db_.get(), "SELECT count(*) FROM pages"));
  REPRISE_PASS(statement.step());
  return statement.natural(0);
}

Result<void> PageIndex::clear() {
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  for (const char* table : {"pages", "blocks", "packs", "needs"})
    REPRISE_PASS(sqlite::execute(db_.get(), std::string("DELETE FROM ") + table));
  blocks_.clear();
  return transaction.commit();
}

}  // namespace reprise::pages
