// SPDX-License-Identifier: Apache-2.0
#include "pages/page_reader.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>
#include <string_view>

#include "sys/files.h"

namespace reprise::pages {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

constexpr std::size_t kKeptBlocks = 48;  // 48 MiB
constexpr std::uint64_t kJobPages = 1024;

// Waits for all, also after a failure: the jobs use what the caller owns.
Result<void> first_failure(std::deque<std::future<Result<void>>>& jobs) {
  Result<void> result;
  for (auto& job : jobs)
    if (Result<void> one = job.get(); !one && result) result = std::move(one);
  jobs.clear();
  return result;
}

// A container that was checkpointed a thousand times may need pages of a thousand packs, and most
// programs may have 1024 files open.
void allow_many_files(std::size_t packs) {
  constexpr std::size_t kFew = 100;
  rlimit limit{};
  if (packs < kFew || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // if not: opening them tells
}

}  // namespace

Result<std::unique_ptr<PageReader>> PageReader::open(const crypto::TenantKeys& keys,
                                                     const std::filesystem::path& packs,
                                                     const Contents& contents) {
  std::unique_ptr<PageReader> reader(new PageReader(keys, contents));  // NOLINT: private
  REPRISE_PASS(reader->open_packs(packs));
  return reader;
}

Result<void> PageReader::open_packs(const std::filesystem::path& directory) {
  std::set<std::string_view> packs;
  for (const BlockPlace& place : contents_.blocks) packs.insert(place.pack);
  allow_many_files(packs.size());
  for (const BlockPlace& place : contents_.blocks) {
    auto pack = packs_.find(place.pack);
    if (pack == packs_.end()) {
      Result<PackReader> opened = PackReader::open(directory, place.pack);
      if (!opened && opened.error().code() == ErrorCode::kNotFound)
        return fail(ErrorCode::kCorrupt, opened.error().message());
      pack = packs_.emplace(place.pack, REPRISE_PASS(std::move(opened))).first;
    }
    if (!pack->second.reaches(place))
      return fail(ErrorCode::kCorrupt, "pack '" + place.pack + "' is cut off");
  }
  return {};
}

Result<std::shared_ptr<const Block>> PageReader::load(std::uint32_t number) const {
  const BlockPlace& place = contents_.blocks[number];
  const auto sealed = REPRISE_PASS(packs_.at(place.pack).read(place));
  return std::make_shared<const Block>(
      REPRISE_TRY(open_block(keys_.data, place.id, sealed),
                  "reading pack '" + place.pack + "' at byte " + std::to_string(place.offset)));
}

Result<std::shared_ptr<const Block>> PageReader::block(std::uint32_t number) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = where_.find(number); found != where_.end()) {
      kept_.splice(kept_.begin(), kept_, found->second);
      return kept_.front().second;
    }
  }
  // Two threads may load the same one; that costs time, not correctness.
  std::shared_ptr<const Block> loaded = REPRISE_PASS(load(number));
  const std::lock_guard lock(mutex_);
  if (!where_.contains(number)) {
    kept_.emplace_front(number, loaded);
    where_[number] = kept_.begin();
    if (kept_.size() > kKeptBlocks) {
      where_.erase(kept_.back().first);
      kept_.pop_back();
    }
  }
  return loaded;
}

// --- files

Result<void> PageReader::write_file(std::size_t file, int fd) {
  const StoredFile& stored = contents_.files[file];
  const std::uint64_t bytes = contents_.manifest.files[file].bytes;
  if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0)
    return fail_errno(errno, "making '" + stored.name + "'");
  std::deque<std::future<Result<void>>> jobs;
  std::uint64_t offset = 0;
  for (std::size_t begin = 0; begin < stored.runs.size();) {
    std::size_t end = begin;
    std::uint64_t pages = 0;
    for (; end < stored.runs.size() && pages < kJobPages; ++end) pages += stored.runs[end].pages;
    const std::span<const PageRun> runs = std::span(stored.runs).subspan(begin, end - begin);
    jobs.push_back(workers_.run(
        [this, runs, offset, bytes, fd] { return write_runs(runs, offset, bytes, fd); }));
    offset += pages * kPageBytes;
    begin = end;
  }
  REPRISE_TRY(first_failure(jobs), "restoring '" + stored.name + "'");
  return {};
}

Result<void> PageReader::write_runs(std::span<const PageRun> runs, std::uint64_t offset,
                                    std::uint64_t end, int fd) {
  for (const PageRun& run : runs) {
    if (run.block != PageRun::kZeros) REPRISE_PASS(write_run(run, offset, end, fd));
    offset += std::uint64_t{run.pages} * kPageBytes;
  }
  return {};
}

Result<void> PageReader::write_run(const PageRun& run, std::uint64_t offset, std::uint64_t end,
                                   int fd) {
  const auto loaded = REPRISE_PASS(pages_of_run(run));
  const std::uint64_t bytes =
      std::min<std::uint64_t>(std::uint64_t{run.pages} * kPageBytes, end - offset);
  return sys::write_at(fd, offset, loaded.pages.first(bytes));
}

Result<PageReader::RunPages> PageReader::pages_of_run(const PageRun& run) {
  std::shared_ptr<const Block> loaded = REPRISE_PASS(block(run.block));
  if (run.first + run.pages > loaded->ids.size())
    return fail(ErrorCode::kCorrupt, "a block has fewer pages than the checkpoint needs");
  const auto pages =
      std::span(loaded->pages).subspan(run.first * kPageBytes, std::size_t{run.pages} * kPageBytes);
  return RunPages{.owner = std::move(loaded), .pages = pages};
}

// --- single pages

// The first page of each run, so that a place is found by bisection.
const std::vector<std::uint64_t>& PageReader::starts_of(std::size_t file) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = starts_.try_emplace(file);
  if (!is_new) return found->second;
  std::uint64_t page = 0;
  for (const PageRun& run : contents_.files[file].runs) {
    found->second.push_back(page);
    page += run.pages;
  }
  return found->second;
}

Result<void> PageReader::read(std::size_t file, std::uint64_t offset, std::span<std::byte> out) {
  const std::uint64_t bytes = contents_.manifest.files[file].bytes;
  if (offset > bytes || out.size() > bytes - offset)
    return fail(ErrorCode::kInvalidInput, "'" + contents_.files[file].name + "' has only " +
                                              std::to_string(bytes) + " bytes");
  const std::vector<std::uint64_t>& starts = starts_of(file);
  while (!out.empty()) {
    const std::uint64_t page = offset / kPageBytes;
    const auto after = std::ranges::upper_bound(starts, page);
    const auto number = static_cast<std::size_t>(after - starts.begin()) - 1;
    const PageRun& run = contents_.files[file].runs[number];
    const std::uint64_t in_run = offset - starts[number] * kPageBytes;
    const std::span<std::byte> piece =
        out.first(std::min<std::uint64_t>(out.size(), run.pages * kPageBytes - in_run));
    REPRISE_PASS(read_run(run, in_run, piece));
    offset += piece.size();
    out = out.subspan(piece.size());
  }
  return {};
}

Result<void> PageReader::read_run(const PageRun& run, std::uint64_t from,
                                  std::span<std::byte> out) {
  if (run.block == PageRun::kZeros) {
    std::ranges::fill(out, std::byte{0});
    return {};
  }
  const auto loaded = REPRISE_PASS(pages_of_run(run));
  std::memcpy(out.data(), loaded.pages.subspan(from, out.size()).data(), out.size());
  return {};
}

Result<void> PageReader::check_all() {
  std::deque<std::future<Result<void>>> jobs;
  for (std::uint32_t number = 0; number < contents_.blocks.size(); ++number)
    jobs.push_back(workers_.run([this, number]() -> Result<void> {
      REPRISE_PASS(load(number));
      return {};
    }));
  return first_failure(jobs);
}

}  // namespace reprise::pages
