// SPDX-License-Identifier: Apache-2.0
#include "transfer/internal/arrivals.h"

#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "store/move_blocks.h"

namespace reprise::transfer {

namespace {

// So much is fetched again at most by a pull that was cut off.
constexpr std::uint64_t kPackLimit = std::uint64_t{64} << 20;

}  // namespace

Arrivals::Arrivals(const store::OpenStore& store, pages::PageIndex& index,
                   std::filesystem::path directory)
    : store_(store), index_(index), packs_(std::move(directory), store.keys.id, kPackLimit) {}

Result<pages::BlockPlace> Arrivals::add(const pages::BlockId& id, std::span<const std::byte> sealed,
                                        std::vector<pages::PageId> ids) {
  pages::BlockPlace place = REPRISE_PASS(packs_.append(id, sealed));
  unknown_.push_back({.place = place, .ids = std::move(ids)});
  return place;
}

Result<void> Arrivals::hand_over() {
  const std::vector<std::string> finished = packs_.take_finished();
  if (finished.empty()) return {};
  REPRISE_PASS(store::publish_packs(store_.layout, packs_.directory(), finished));
  const auto is_open = [&finished](const pages::IndexedBlock& block) {
    return std::ranges::find(finished, block.place.pack) == finished.end();
  };
  const auto rest = std::ranges::find_if(unknown_, is_open);
  REPRISE_PASS(index_.add(std::span(unknown_.begin(), rest)));
  unknown_.erase(unknown_.begin(), rest);
  return base::fault_point("pull-pack");
}

Result<std::vector<std::string>> Arrivals::finish() {
  REPRISE_PASS(packs_.finish());
  return packs_.take_finished();
}

Result<void> Arrivals::tell_index() { return index_.add(std::exchange(unknown_, {})); }

}  // namespace reprise::transfer
