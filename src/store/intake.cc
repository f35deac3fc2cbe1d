// SPDX-License-Identifier: Apache-2.0
#include "store/intake.h"

#include <algorithm>
#include <utility>

namespace reprise::store {

namespace {

// One part of the free memory in so many.
constexpr std::uint64_t kShare = 4;
// How often that is looked up: others take memory as well.
constexpr std::uint64_t kLookEvery = std::uint64_t{64} << 20;

}  // namespace

Result<void> Intake::begin(std::string name) {
  REPRISE_PASS(pass_on());
  return keep({.begins = std::move(name), .stretch = {}});
}

std::span<std::byte> Intake::room() {
  if (!open_.memory)
    open_.memory = std::make_shared_for_overwrite<std::byte[]>(pages::kSegmentBytes);
  return {open_.memory.get() + open_.bytes, pages::kSegmentBytes - open_.bytes};
}

Result<void> Intake::take(std::size_t bytes) {
  REPRISE_ASSERT(bytes <= pages::kSegmentBytes - open_.bytes);
  open_.bytes += bytes;
  return open_.bytes == pages::kSegmentBytes ? pass_on() : Result<void>();
}

void Intake::restart() {
  open_ = {};
  kept_.clear();
  kept_bytes_ = 0;
  has_file_ = false;
  pages_.forget_files();
}

Result<void> Intake::finish() {
  REPRISE_PASS(pass_on());
  pages_.hurry(false);
  for (; !kept_.empty(); kept_.pop_front()) REPRISE_PASS(store(std::move(kept_.front())));
  kept_bytes_ = 0;
  return std::exchange(has_file_, false) ? pages_.end_file() : Result<void>();
}

Result<void> Intake::pass_on() {
  if (open_.bytes == 0) return {};
  return keep({.begins = std::nullopt, .stretch = std::exchange(open_, {})});
}

Result<void> Intake::keep(Kept kept) {
  kept_bytes_ += kept.stretch.bytes;
  kept_.push_back(std::move(kept));
  while (!kept_.empty() && !may_keep_more()) {
    pages_.hurry(true);  // the container stands still meanwhile
    kept_bytes_ -= kept_.front().stretch.bytes;
    REPRISE_PASS(store(std::move(kept_.front())));
    kept_.pop_front();
  }
  return {};
}

bool Intake::may_keep_more() {
  if (kept_bytes_ < allowed_bytes_) return true;
  // What is kept already was free without us.
  const std::uint64_t limit = (free_() + kept_bytes_) / kShare;
  allowed_bytes_ = std::min(limit, kept_bytes_ + kLookEvery);
  return kept_bytes_ < allowed_bytes_;
}

Result<void> Intake::store(Kept kept) {
  if (!kept.begins) return pages_.add(std::move(kept.stretch));
  if (has_file_) REPRISE_PASS(pages_.end_file());
  pages_.begin_file(*kept.begins);
  has_file_ = true;
  return {};
}

}  // namespace reprise::store
