// SPDX-License-Identifier: Apache-2.0
#include "pages/page_index.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/bytes.h"

namespace reprise::pages {

namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE packs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  condemned INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE blocks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  pack INTEGER NOT NULL REFERENCES packs (number) ON DELETE CASCADE,
  id BLOB NOT NULL,
  offset INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seal INTEGER NOT NULL
) STRICT;
CREATE INDEX blocks_by_pack ON blocks (pack);
CREATE TABLE pages (
  id BLOB PRIMARY KEY NOT NULL,
  block INTEGER NOT NULL,
  page INTEGER NOT NULL,
  seal INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE needs (
  checkpoint TEXT PRIMARY KEY NOT NULL,
  stamp TEXT NOT NULL,
  packs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Needs have sizes now: "PACK=BYTES ". What was noted without is read again.
constexpr const char* kVersion2 = "DELETE FROM needs";

// A new version is a new step at the end; those that were released never change.
constexpr const char* kSteps[] = {kVersion1, kVersion2};
constexpr sqlite::DatabaseSchema kSchema{.file = "index.db", .name = "index", .steps = kSteps};

// SQLite does not notice a flipped bit, and a wrong place would be a wrong page in a checkpoint. So
// each row is sealed with the tenant's key: one that is damaged is as good as absent.
std::int64_t seal_of(const crypto::PageHasher& hasher, const BlockPlace& place) {
  std::string text(base::as_text(place.id));
  text += std::to_string(place.offset) + ' ' + std::to_string(place.bytes) + ' ' + place.pack;
  return static_cast<std::int64_t>(base::get_u64(hasher.of(base::as_bytes(text))));
}

// Of a row with pack, id, offset, bytes and seal; nullopt if it is damaged.
std::optional<BlockPlace> place_in(const crypto::PageHasher& hasher, const sqlite::Statement& row) {
  BlockPlace place{.pack = row.text(0),
                   .offset = row.natural(2),
                   .bytes = static_cast<std::uint32_t>(row.integer(3))};
  const std::string id = row.text(1);
  if (id.size() == place.id.size()) std::ranges::copy(base::as_bytes(id), place.id.begin());
  if (row.integer(4) != seal_of(hasher, place)) return std::nullopt;
  return place;
}

std::int64_t seal_of(const crypto::PageHasher& hasher, const PageId& id, std::uint32_t page,
                     const BlockId& block) {
  std::array<std::byte, sizeof(PageId) + sizeof(BlockId) + 4> bytes{};
  std::ranges::copy(id, bytes.begin());
  std::ranges::copy(block, bytes.begin() + sizeof(PageId));
  base::put_u32(std::span(bytes).subspan(sizeof(PageId) + sizeof(BlockId)), page);
  return static_cast<std::int64_t>(base::get_u64(hasher.of(bytes)));
}

}  // namespace

PageIndex::PageIndex(sqlite::Database db, const crypto::PageHasher& hasher)
    : db_(std::move(db)), hasher_(&hasher) {}
PageIndex::PageIndex(PageIndex&&) noexcept = default;
PageIndex& PageIndex::operator=(PageIndex&&) noexcept = default;
PageIndex::~PageIndex() = default;

Result<PageIndex> PageIndex::open(const std::filesystem::path& root,
                                  const crypto::PageHasher& hasher) {
  sqlite::Database db = REPRISE_PASS(sqlite::open_database(root, kSchema));
  sqlite3* const raw = db.get();
  PageIndex index(std::move(db), hasher);
  index.find_page_ = REPRISE_PASS(
      sqlite::Statement::prepare(raw, "SELECT block, page, seal FROM pages WHERE id = ?1"));
  sqlite::Statement any =
      REPRISE_PASS(sqlite::Statement::prepare(raw, "SELECT 1 FROM pages LIMIT 1"));
  index.empty_ = !REPRISE_PASS(any.step());
  return index;
}

// --- pages

Result<std::vector<std::optional<PagePlace>>> PageIndex::find(std::span<const PageId> ids) {
  std::vector<std::optional<PagePlace>> found(ids.size());
  if (ids.empty() || empty_) return found;
  // One for all: else each lookup locks and unlocks the file, which takes longer than it does.
  const auto transaction = REPRISE_PASS(sqlite::ReadTransaction::begin(db_.get()));
  // In the order of the tree, so that neighbours are found in the same leaf.
  std::vector<std::uint32_t> order(ids.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](auto a, auto b) { return ids[a] < ids[b]; });
  for (const std::uint32_t i : order) {
    REPRISE_PASS(find_page_->again(sqlite::Blob{ids[i]}));
    if (!REPRISE_PASS(find_page_->step())) continue;
    const PagePlace place{.block = find_page_->integer(0),
                          .page = static_cast<std::uint32_t>(find_page_->integer(1))};
    if (!REPRISE_PASS(is_usable(place.block))) continue;
    if (find_page_->integer(2) == seal_of(*hasher_, ids[i], place.page, place_of(place.block).id))
      found[i] = place;
  }
  find_page_->reset();
  return found;
}

Result<bool> PageIndex::is_usable(std::int64_t block) {
  if (const auto known = blocks_.find(block); known != blocks_.end())
    return known->second.has_value();
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(),
      "SELECT packs.id, blocks.id, offset, bytes, seal FROM blocks JOIN packs ON blocks.pack = "
      "packs.number WHERE blocks.number = ?1 AND NOT condemned",
      block));
  std::optional<BlockPlace> place;
  if (REPRISE_PASS(statement.step())) place = place_in(*hasher_, statement);
  const bool usable = place.has_value();
  blocks_.emplace(block, std::move(place));
  return usable;
}

Result<std::vector<std::optional<BlockPlace>>> PageIndex::find_blocks(
    std::span<const BlockId> ids, const std::set<std::string>& but) {
  std::vector<std::optional<BlockPlace>> found(ids.size());
  std::multimap<BlockId, std::size_t> wanted;
  for (std::size_t i = 0; i < ids.size(); ++i) wanted.emplace(ids[i], i);
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(),
      "SELECT packs.id, blocks.id, offset, bytes, seal FROM blocks JOIN packs ON blocks.pack = "
      "packs.number WHERE NOT condemned"));
  while (REPRISE_PASS(statement.step())) {
    const std::optional<BlockPlace> place = place_in(*hasher_, statement);
    if (!place || but.contains(place->pack)) continue;
    const auto [begin, end] = wanted.equal_range(place->id);
    for (auto one = begin; one != end; ++one) found[one->second] = place;
  }
  return found;
}

const BlockPlace& PageIndex::place_of(std::int64_t block) const { return *blocks_.at(block); }

Result<void> PageIndex::add(std::span<const IndexedBlock> blocks) {
  if (blocks.empty()) return {};
  empty_ = false;
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  // A page whose block is gone or condemned may be replaced; any other stays.
  sqlite::Statement page = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(),
      "INSERT INTO pages (id, block, page, seal) VALUES (?1, ?2, ?3, ?4) ON "
      "CONFLICT (id) DO UPDATE "
      "SET block = ?2, page = ?3, seal = ?4 WHERE NOT EXISTS (SELECT 1 FROM "
      "blocks JOIN packs ON blocks.pack = "
      "packs.number WHERE blocks.number = pages.block AND NOT condemned)"));
  struct Row {
    PageId id;
    PagePlace place;
    std::int64_t seal = 0;
  };
  std::vector<Row> pages;
  for (const IndexedBlock& block : blocks) {
    REPRISE_PASS(sqlite::execute(db_.get(), "INSERT OR IGNORE INTO packs (id) VALUES (?1)",
                                 block.place.pack));
    REPRISE_PASS(
        sqlite::execute(db_.get(),
                        "INSERT INTO blocks (pack, id, offset, bytes, seal) SELECT number, ?2, "
                        "?3, ?4, ?5 FROM packs "
                        "WHERE id = ?1",
                        block.place.pack, sqlite::Blob{block.place.id}, block.place.offset,
                        std::int64_t{block.place.bytes}, seal_of(*hasher_, block.place)));
    const std::int64_t number = sqlite3_last_insert_rowid(db_.get());
    for (std::uint32_t i = 0; i < block.ids.size(); ++i)
      pages.push_back({.id = block.ids[i],
                       .place = {.block = number, .page = i},
                       .seal = seal_of(*hasher_, block.ids[i], i, block.place.id)});
  }
  std::ranges::sort(pages, {}, &Row::id);
  for (const Row& row : pages) {
    REPRISE_PASS(
        page.again(sqlite::Blob{row.id}, row.place.block, std::int64_t{row.place.page}, row.seal));
    REPRISE_PASS(page.step());
  }
  page.reset();
  return transaction.commit();
}

}  // namespace reprise::pages
