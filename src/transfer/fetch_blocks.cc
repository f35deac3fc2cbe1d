// SPDX-License-Identifier: Apache-2.0
#include "transfer/internal/fetch_blocks.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <numeric>

#include "base/fault.h"
#include "base/raw_bytes.h"
#include "store/move_blocks.h"
#include "sys/workers.h"
#include "transfer/internal/names.h"

namespace reprise::transfer {

using base::ErrorCode;
using base::fail;

namespace {

// Large enough that a round trip is small beside the transfer; eight at once are 32 MiB.
constexpr std::uint64_t kReadBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kGap = std::uint64_t{64} << 10;  // cheaper to read than another request
constexpr std::size_t kReadsAtOnce = 8;
constexpr std::size_t kChecksAtOnce = 64;
constexpr std::uint32_t kMaxSealed = 2U << 20;

// Blocks that follow each other in one of their packs.
struct Range {
  std::vector<std::uint32_t> blocks;  // numbers, in the order of their offsets
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// What came of it: blocks that are sealed with our keys.
struct Arrived {
  struct One {
    std::uint32_t block;
    std::span<const std::byte> sealed;  // in `bytes` or `anew`
    std::vector<pages::PageId> ids;
    std::optional<base::RawBytes> anew;
  };
  base::RawBytes bytes;
  std::vector<One> blocks;
};

class Fetch {
 public:
  Fetch(const store::OpenStore& store, const crypto::TenantKeys& keys,
        const std::vector<pages::BlockPlace>& theirs, remote::ObjectStore& from)
      : store_(store), keys_(keys), theirs_(theirs), from_(from), workers_(kReadsAtOnce) {}
  // Fills in the places of what is here.
  Result<void> find_here(pages::PageIndex& index);
  Result<Fetched> fetch(Arrivals& arrivals, const TransferProgress& progress);

 private:
  Result<bool> is_intact(const pages::BlockPlace& place) const;
  Result<std::vector<Range>> ranges() const;
  Result<void> read_into(base::RawBytes& bytes, const Range& range, const std::string& step) const;
  Result<Arrived> read(const Range& range);
  Result<Arrived::One> take(std::uint32_t block, std::span<const std::byte> sealed) const;
  Result<void> keep(Arrived arrived, Arrivals& arrivals);
  base::RawBytes spare_buffer();

  const store::OpenStore& store_;
  const crypto::TenantKeys& keys_;  // with which they are sealed there
  const std::vector<pages::BlockPlace>& theirs_;
  remote::ObjectStore& from_;
  std::vector<std::optional<pages::BlockPlace>> places_ =
      std::vector<std::optional<pages::BlockPlace>>(theirs_.size());
  Fetched fetched_;
  std::map<std::string, pages::PackReader> packs_;  // here
  std::vector<Range> ranges_;                       // to be fetched
  std::mutex mutex_;
  std::vector<base::RawBytes> spare_;  // memory that the kernel need not find and clear again
  sys::Workers workers_;               // last: its threads end before what they use
};

// --- what is here

Result<void> Fetch::find_here(pages::PageIndex& index) {
  std::vector<pages::BlockId> ids;
  ids.reserve(theirs_.size());
  for (const pages::BlockPlace& place : theirs_) ids.push_back(place.id);
  places_ = REPRISE_PASS(index.find_blocks(ids));
  for (std::optional<pages::BlockPlace>& place : places_) {
    if (!place || packs_.contains(place->pack)) continue;
    Result<pages::PackReader> opened = pages::PackReader::open(store_.layout.packs(), place->pack);
    if (opened)
      packs_.emplace(place->pack, std::move(*opened));
    else
      place.reset();
  }
  std::deque<std::pair<std::size_t, std::future<Result<bool>>>> checks;
  const auto take_oldest = [&]() -> Result<void> {
    const bool intact = REPRISE_PASS(checks.front().second.get());
    if (!intact) places_[checks.front().first].reset();
    checks.pop_front();
    return {};
  };
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i]) continue;
    checks.emplace_back(i, workers_.run([this, place = *places_[i]] { return is_intact(place); }));
    if (checks.size() > kChecksAtOnce) REPRISE_PASS(take_oldest());
  }
  while (!checks.empty()) REPRISE_PASS(take_oldest());
  return {};
}

Result<bool> Fetch::is_intact(const pages::BlockPlace& place) const {
  const auto pack = packs_.find(place.pack);
  if (pack == packs_.end() || !pack->second.reaches(place)) return false;
  auto sealed = pack->second.read(place);
  if (!sealed && sealed.error().code() == ErrorCode::kCorrupt) return false;
  return store::authenticate_block(store_.keys, place.id, REPRISE_PASS(std::move(sealed)))
      .has_value();
}

// --- what is fetched

Result<std::vector<Range>> Fetch::ranges() const {
  std::vector<std::uint32_t> missing;
  for (std::uint32_t i = 0; i < theirs_.size(); ++i) {
    if (places_[i]) continue;
    if (theirs_[i].bytes > kMaxSealed) return fail(ErrorCode::kCorrupt, "a block is too large");
    missing.push_back(i);
  }
  std::ranges::sort(missing, {}, [&](std::uint32_t i) {
    return std::pair<const std::string&, std::uint64_t>(theirs_[i].pack, theirs_[i].offset);
  });
  std::vector<Range> ranges;
  for (const std::uint32_t i : missing) {
    const pages::BlockPlace& place = theirs_[i];
    const std::uint64_t end = place.offset + pages::kRecordBytes + place.bytes;
    const bool follows =
        !ranges.empty() && theirs_[ranges.back().blocks.front()].pack == place.pack &&
        place.offset >= ranges.back().end && place.offset - ranges.back().end <= kGap &&
        end - ranges.back().begin <= kReadBytes;
    if (!follows) ranges.push_back({.blocks = {}, .begin = place.offset, .end = end});
    ranges.back().blocks.push_back(i);
    ranges.back().end = end;
  }
  return ranges;
}

base::RawBytes Fetch::spare_buffer() {
  const std::scoped_lock hold(mutex_);
  if (spare_.empty()) return {};
  base::RawBytes buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

Result<void> Fetch::read_into(base::RawBytes& bytes, const Range& range,
                              const std::string& step) const {
  bytes.resize(range.end - range.begin);
  const std::string& pack = theirs_[range.blocks.front()].pack;
  const Result<void> got = from_.read(remote_pack(pack), range.begin, bytes);
  // Whoever pulls must not believe that the checkpoint is not there.
  if (!got && got.error().code() == ErrorCode::kNotFound)
    return fail(ErrorCode::kCorrupt, step + ": it is missing there");
  REPRISE_TRY(got, step);
  return {};
}

Result<Arrived::One> Fetch::take(std::uint32_t block, std::span<const std::byte> sealed) const {
  const pages::BlockId& id = theirs_[block].id;
  if (keys_.id == store_.keys.id) {
    auto ids = REPRISE_PASS(store::authenticate_block(keys_, id, sealed));
    return Arrived::One{
        .block = block, .sealed = sealed, .ids = std::move(ids), .anew = std::nullopt};
  }
  const pages::Block theirs = REPRISE_PASS(pages::open_block(keys_.data, id, sealed));
  std::vector<pages::PageId> ids;
  std::vector<const std::byte*> pages;
  for (std::size_t i = 0; i < theirs.ids.size(); ++i) {
    const auto page = std::span(theirs.pages).subspan(i * pages::kPageBytes, pages::kPageBytes);
    ids.push_back(store_.keys.pages.of(page));
    pages.push_back(page.data());
  }
  // A person, or a pod, waits for it.
  auto ours =
      REPRISE_PASS(pages::seal_block(store_.keys.data, id, ids, pages, pages::Effort::kFast));
  const std::span<const std::byte> bytes = ours;
  return Arrived::One{
      .block = block, .sealed = bytes, .ids = std::move(ids), .anew = std::move(ours)};
}

Result<Arrived> Fetch::read(const Range& range) {
  const std::string step = "fetching pack '" + theirs_[range.blocks.front()].pack + "' from byte " +
                           std::to_string(range.begin) + " on";
  Arrived arrived{.bytes = spare_buffer(), .blocks = {}};
  REPRISE_PASS(read_into(arrived.bytes, range, step));
  for (const std::uint32_t block : range.blocks) {
    const pages::BlockPlace& place = theirs_[block];
    const auto sealed = std::span<const std::byte>(arrived.bytes)
                            .subspan(place.offset + pages::kRecordBytes - range.begin, place.bytes);
    arrived.blocks.push_back(REPRISE_TRY(take(block, sealed), step));
  }
  return arrived;
}

Result<void> Fetch::keep(Arrived arrived, Arrivals& arrivals) {
  for (Arrived::One& one : arrived.blocks) {
    places_[one.block] =
        REPRISE_PASS(arrivals.add(theirs_[one.block].id, one.sealed, std::move(one.ids)));
    ++fetched_.blocks;
    fetched_.bytes += theirs_[one.block].bytes;
  }
  const std::scoped_lock hold(mutex_);
  spare_.push_back(std::move(arrived.bytes));
  return {};
}

Result<Fetched> Fetch::fetch(Arrivals& arrivals, const TransferProgress& progress) {
  ranges_ = REPRISE_PASS(ranges());
  const std::vector<Range>& all = ranges_;
  const std::uint64_t total = std::accumulate(
      all.begin(), all.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Range& range) { return sum + range.end - range.begin; });
  std::deque<std::future<Result<Arrived>>> reads;
  std::uint64_t done = 0;
  for (std::size_t next = 0, oldest = 0; oldest < all.size(); ++oldest) {
    for (; next < all.size() && reads.size() < kReadsAtOnce; ++next)
      reads.push_back(workers_.run([this, &range = all[next]] { return read(range); }));
    Arrived arrived = REPRISE_PASS(reads.front().get());
    reads.pop_front();
    REPRISE_PASS(keep(std::move(arrived), arrivals));
    REPRISE_PASS(arrivals.hand_over());
    done += all[oldest].end - all[oldest].begin;
    if (progress) REPRISE_PASS(progress(done, total));
    REPRISE_PASS(base::fault_point("pull-range"));
  }
  for (const auto& place : places_) fetched_.places.push_back(*place);
  return std::move(fetched_);
}

}  // namespace

Result<Fetched> fetch_blocks(const store::OpenStore& store, const crypto::TenantKeys& keys,
                             pages::PageIndex& index, const std::vector<pages::BlockPlace>& theirs,
                             remote::ObjectStore& from, Arrivals& arrivals,
                             const TransferProgress& progress) {
  Fetch fetch(store, keys, theirs, from);
  REPRISE_PASS(fetch.find_here(index));
  return fetch.fetch(arrivals, progress);
}

}  // namespace reprise::transfer
