// SPDX-License-Identifier: Apache-2.0
#include "pages/page_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sys/file_mapping.h"
#include "sys/files.h"

namespace reprise::pages {

using base::fail_errno;

namespace {

// Small enough that a few in flight are no burden, large enough that lookups come in batches.
constexpr std::size_t kSegmentPages = 512;
constexpr std::size_t kSegmentBytes = kSegmentPages * kPageBytes;

bool is_zero(std::span<const std::byte> page) {
  // Compared with itself, one byte on: the first byte is zero, and each equals the one before.
  return page[0] == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

}  // namespace

// --- a stretch of a file, as the threads prepare it

struct PageWriter::Segment {
  sys::FileMapping mapping;
  std::vector<bool> zero;
  std::vector<PageId> ids;  // of pages that are not zero; else all zeros

  static Result<SharedSegment> map(int fd, std::uint64_t offset, std::size_t size,
                                   const crypto::PageHasher& hasher) {
    auto segment = std::make_shared<Segment>();
    segment->mapping = REPRISE_PASS(sys::FileMapping::map(fd, offset, size));
    const std::size_t pages = pages_of(size);
    segment->zero.resize(pages);
    segment->ids.resize(pages);
    for (std::size_t i = 0; i < pages; ++i) {
      segment->zero[i] = is_zero(segment->page(i));
      if (!segment->zero[i]) segment->ids[i] = hasher.of(segment->page(i));
    }
    return segment;
  }
  [[nodiscard]] std::span<const std::byte> page(std::size_t i) const {
    return mapping.pages().subspan(i * kPageBytes, kPageBytes);
  }
};

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

Result<void> PageWriter::add_file(const std::string& name, int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(errno, "reading the size of '" + name + "'");
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  stored_.push_back({.name = name, .runs = {}});
  std::deque<std::future<Result<SharedSegment>>> reading;
  const std::size_t ahead = 2 * workers_.count();
  std::uint64_t begun = 0;
  for (std::uint64_t taken = 0; taken < bytes;) {
    for (; reading.size() < ahead && begun < bytes; begun += kSegmentBytes) {
      const std::size_t size = std::min<std::uint64_t>(kSegmentBytes, bytes - begun);
      reading.push_back(workers_.run([fd, begun, size, hasher = &keys_.pages] {
        return Segment::map(fd, begun, size, *hasher);
      }));
    }
    // All that were begun use `fd`: none may be left behind.
    Result<SharedSegment> segment = reading.front().get();
    reading.pop_front();
    Result<void> taken_over =
        segment ? take(*segment) : Result<void>(std::unexpected(std::move(segment).error()));
    if (!taken_over) {
      for (auto& rest : reading) rest.wait();
      return std::unexpected(std::move(taken_over).error().with_step("storing '" + name + "'"));
    }
    taken += (*segment)->mapping.bytes().size();
  }
  files_.push_back({.name = name, .bytes = bytes});
  return {};
}

Result<void> PageWriter::take(const SharedSegment& segment) {
  const std::vector<PageId>& ids = segment->ids;
  std::vector<PageId> unknown;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (!segment->zero[i] && recent_->find(ids[i]) == nullptr) unknown.push_back(ids[i]);
  const auto places = REPRISE_PASS(index_.find(unknown));
  // A block of single pages would hold many segments in memory.
  const auto added = std::ranges::count_if(places, [](const auto& place) { return !place; });
  const bool sparse = static_cast<std::size_t>(added) < ids.size() / 2;
  std::size_t next = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // Those that were asked for come in the same order.
    const bool asked = next < unknown.size() && !segment->zero[i] && ids[i] == unknown[next];
    REPRISE_PASS(take_page(segment, i, asked ? places[next] : std::nullopt, sparse));
    if (asked) ++next;
  }
  return {};
}

Result<void> PageWriter::take_page(const SharedSegment& segment, std::size_t page,
                                   const std::optional<PagePlace>& indexed, bool sparse) {
  const PageId& id = segment->ids[page];
  if (segment->zero[page]) {
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
  const PageId& id = segment->ids[page];
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
  return effort_ == Effort::kFast && workers_.busy() ? Effort::kLeast : effort_;
}

Result<void> PageWriter::close_block() {
  if (open_block_.ids.empty()) return {};
  const auto seal = [key = &keys_.data, id = blocks_[open_number_].id, number = open_number_,
                     effort = effort_now(),
                     block =
                         std::make_shared<Pending>(std::move(open_block_))]() -> Result<Sealed> {
    SealedBlock sealed = REPRISE_PASS(seal_block(*key, id, block->ids, block->pages, effort));
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
  place = REPRISE_PASS(packs_.append(place.id, sealed.block.bytes()));
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
