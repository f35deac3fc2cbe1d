// SPDX-License-Identifier: Apache-2.0
#include "pages/page_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sys/files.h"

namespace reprise::pages {

using base::fail_errno;

// --- pages that this writer has met: a table of fixed size, in which a newer page may push out an
// older one. So one that is met again after very many others may be stored twice, and memory stays
// bounded.

struct PageWriter::Recent {
  struct Entry {
    PageId id;
    std::uint32_t block_plus_one;  // 0: nothing here
    std::uint32_t page;
  };
  struct Free {
    void operator()(Entry* entries) const { std::free(entries); }  // NOLINT: calloc's
  };
  static constexpr std::size_t kEntries = std::size_t{1} << 20;  // 24 MiB

  void put(const PageId& id, std::uint32_t block, std::uint32_t page) {
    of(id) = {.id = id, .block_plus_one = block + 1, .page = page};
  }
  [[nodiscard]] const Entry* find(const PageId& id) {
    const Entry& entry = of(id);
    return entry.block_plus_one != 0 && entry.id == id ? &entry : nullptr;
  }

 private:
  Entry& of(const PageId& id) {
    std::size_t hash = 0;
    std::memcpy(&hash, id.data(), sizeof hash);
    return entries_.get()[hash % kEntries];
  }
  // By calloc, which takes memory from the kernel only as entries are used: most checkpoints are
  // small.
  std::unique_ptr<Entry, Free> entries_{
      static_cast<Entry*>(std::calloc(kEntries, sizeof(Entry)))};  // NOLINT
};

PageWriter::PageWriter(const crypto::TenantKeys& keys, PageIndex& index,
                       std::filesystem::path directory, Effort effort)
    : keys_(keys),
      index_(index),
      directory_(std::move(directory)),
      effort_(effort),
      recent_(std::make_unique<Recent>()),
      packs_(directory_, keys_.id) {}

PageWriter::~PageWriter() = default;

// --- files on their way into blocks

void PageWriter::begin_file(const std::string& name) {
  open_file_ = {.name = name, .bytes = 0};
  stored_.push_back({.name = name, .runs = {}});
}

Result<void> PageWriter::add(Stretch stretch) {
  return push(workers_.run(
      [stretch = std::move(stretch), hasher = &keys_.pages]() mutable -> Result<SharedSegment> {
        return Segment::of_memory(std::move(stretch), *hasher);
      }));
}

Result<void> PageWriter::end_file() {
  while (!reading_.empty()) REPRISE_PASS(take_oldest());
  files_.push_back(std::move(open_file_));
  return {};
}

void PageWriter::forget_files() {
  reading_.clear();
  files_.clear();
  stored_.clear();
}

Result<void> PageWriter::add_file(const std::string& name, int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(errno, "reading the size of '" + name + "'");
  begin_file(name);
  Result<void> added = add_stretches_of(fd, static_cast<std::uint64_t>(status.st_size));
  // All that were begun use `fd`: none may be left behind.
  for (const auto& segment : reading_) segment.wait();
  if (added) added = end_file();
  if (!added) return std::unexpected(std::move(added).error().with_step("storing '" + name + "'"));
  return {};
}

Result<void> PageWriter::add_stretches_of(int fd, std::uint64_t bytes) {
  for (std::uint64_t begun = 0; begun < bytes; begun += kSegmentBytes) {
    const std::size_t size = std::min<std::uint64_t>(kSegmentBytes, bytes - begun);
    REPRISE_PASS(push(workers_.run([fd, begun, size, hasher = &keys_.pages] {
      return Segment::of_file(fd, begun, size, *hasher);
    })));
  }
  return {};
}

Result<void> PageWriter::push(std::future<Result<SharedSegment>> segment) {
  reading_.push_back(std::move(segment));
  return reading_.size() > 2 * workers_.count() ? take_oldest() : Result<void>();
}

Result<void> PageWriter::take_oldest() {
  const Result<SharedSegment> segment = reading_.front().get();
  reading_.pop_front();
  if (!segment) return std::unexpected(segment.error());
  open_file_.bytes += (*segment)->bytes();
  return take(*segment);
}

Result<void> PageWriter::take(const SharedSegment& segment) {
  const std::vector<PageId>& ids = segment->ids();
  std::vector<PageId> unknown;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (!segment->is_zero(i) && recent_->find(ids[i]) == nullptr) unknown.push_back(ids[i]);
  const auto places = REPRISE_PASS(index_.find(unknown));
  // A block of single pages would hold many segments in memory.
  const auto added = std::ranges::count_if(places, [](const auto& place) { return !place; });
  const bool sparse = static_cast<std::size_t>(added) < ids.size() / 2;
  std::size_t next = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // Those that were asked for come in the same order.
    const bool asked = next < unknown.size() && !segment->is_zero(i) && ids[i] == unknown[next];
    REPRISE_PASS(take_page(segment, i, asked ? places[next] : std::nullopt, sparse));
    if (asked) ++next;
  }
  return {};
}

Result<void> PageWriter::take_page(const SharedSegment& segment, std::size_t page,
                                   const std::optional<PagePlace>& indexed, bool sparse) {
  const PageId& id = segment->ids()[page];
  if (segment->is_zero(page)) {
    add_run(PageRun::kZeros, 0);
  } else if (const Recent::Entry* known = recent_->find(id)) {
    add_run(known->block_plus_one - 1, known->page);
  } else if (indexed) {
    const std::uint32_t block = number_of(indexed->block);
    recent_->put(id, block, indexed->page);
    add_run(block, indexed->page);
  } else {
    return add_new(segment, page, sparse);
  }
  return {};
}

// Our number for a block that the index knows.
std::uint32_t PageWriter::number_of(std::int64_t indexed) {
  auto [known, is_new] = known_.try_emplace(indexed, static_cast<std::uint32_t>(blocks_.size()));
  if (is_new) blocks_.push_back(index_.place_of(indexed));
  return known->second;
}

void PageWriter::add_run(std::uint32_t block, std::uint32_t first) {
  auto& runs = stored_.back().runs;
  if (!runs.empty()) {
    PageRun& last = runs.back();
    const bool follows = block == PageRun::kZeros || last.first + last.pages == first;
    if (last.block == block && follows) {
      ++last.pages;
      return;
    }
  }
  runs.push_back({.block = block, .first = first, .pages = 1});
}

// `sparse`: it is copied, so that it does not keep its segment.
Result<void> PageWriter::add_new(const SharedSegment& segment, std::size_t page, bool sparse) {
  if (open_block_.ids.empty()) {
    open_number_ = static_cast<std::uint32_t>(blocks_.size());
    blocks_.push_back({.id = random_block_id()});
  }
  const PageId& id = segment->ids()[page];
  const auto number = static_cast<std::uint32_t>(open_block_.ids.size());
  const std::byte* bytes = segment->page(page).data();
  if (sparse) {
    const auto copy = std::make_shared_for_overwrite<std::byte[]>(kPageBytes);
    bytes = static_cast<const std::byte*>(std::memcpy(copy.get(), bytes, kPageBytes));
    open_block_.owners.push_back(copy);
  } else if (open_block_.owners.empty() || open_block_.owners.back() != segment) {
    open_block_.owners.push_back(segment);
  }
  open_block_.ids.push_back(id);
  open_block_.pages.push_back(bytes);
  recent_->put(id, open_number_, number);
  add_run(open_number_, number);
  if (open_block_.ids.size() == kBlockPages) return close_block();
  return {};
}

// --- blocks on their way into a pack

// Where a container waits: as little as the disk can do with. It is slower than we are if our
// threads have nothing to do, since packs make us wait for it (PackWriter::append).
Effort PageWriter::effort_now() const {
  const Effort effort = hurries_ ? Effort::kFast : effort_;
  return effort == Effort::kFast && workers_.busy() ? Effort::kLeast : effort;
}

Result<void> PageWriter::close_block() {
  if (open_block_.ids.empty()) return {};
  const auto seal = [key = &keys_.data, id = blocks_[open_number_].id, number = open_number_,
                     effort = effort_now(),
                     block =
                         std::make_shared<Pending>(std::move(open_block_))]() -> Result<Sealed> {
    base::RawBytes sealed = REPRISE_PASS(seal_block(*key, id, block->ids, block->pages, effort));
    block->owners.clear();  // now, not when the future is taken
    return Sealed{.number = number, .block = std::move(sealed), .ids = std::move(block->ids)};
  };
  sealing_.push_back(workers_.run(seal));
  open_block_ = {};
  if (sealing_.size() > 2 * workers_.count()) return write_oldest_block();
  return {};
}

Result<void> PageWriter::write_oldest_block() {
  Sealed sealed = REPRISE_PASS(sealing_.front().get());
  sealing_.pop_front();
  BlockPlace& place = blocks_[sealed.number];
  place = REPRISE_PASS(packs_.append(place.id, sealed.block));
  new_blocks_.emplace_back(sealed.number, static_cast<std::uint32_t>(sealed.ids.size()));
  return write_ids(sealed.ids);
}

Result<void> PageWriter::write_ids(std::span<const PageId> ids) {
  if (!new_ids_.valid()) {
    const std::filesystem::path file = directory_ / "ids";
    new_ids_ = REPRISE_PASS(sys::open_file(file, O_CREAT | O_EXCL | O_RDWR));
    REPRISE_PASS(sys::remove_tree(file));
  }
  const std::span<const std::byte> bytes = std::as_bytes(ids);
  const ssize_t n = ::write(new_ids_.get(), bytes.data(), bytes.size());
  if (n != static_cast<ssize_t>(bytes.size()))
    return fail_errno(n < 0 ? errno : ENOSPC, "noting the new pages");
  return {};
}

Result<void> PageWriter::finish() {
  REPRISE_PASS(close_block());
  while (!sealing_.empty()) REPRISE_PASS(write_oldest_block());
  return packs_.finish();
}

Result<void> PageWriter::tell_index() {
  constexpr std::size_t kBatch = 256;  // 1 MiB of ids
  std::uint64_t offset = 0;
  std::vector<IndexedBlock> batch;
  for (const auto& [number, pages] : new_blocks_) {
    IndexedBlock block{.place = blocks_[number], .ids = std::vector<PageId>(pages)};
    const auto bytes = std::as_writable_bytes(std::span(block.ids));
    if (REPRISE_PASS(sys::read_at(new_ids_.get(), offset, bytes)) != bytes.size())
      return base::fail(base::ErrorCode::kIo, "the note of the new pages is cut off");
    offset += bytes.size();
    batch.push_back(std::move(block));
    if (batch.size() < kBatch) continue;
    REPRISE_PASS(index_.add(batch));
    batch.clear();
  }
  REPRISE_PASS(index_.add(batch));
  new_blocks_.clear();
  return {};
}

}  // namespace reprise::pages
