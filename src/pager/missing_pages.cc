// SPDX-License-Identifier: Apache-2.0
#include "pager/missing_pages.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace reprise::pager {

void MissingPages::add(const PageRange& range) {
  if (range.bytes == 0) return;
  remove(range.address, range.bytes);
  ranges_.emplace(range.address, Rest{.bytes = range.bytes, .offset = range.offset});
  bytes_ += range.bytes;
}

void MissingPages::split(std::uint64_t address) {
  const auto after = ranges_.upper_bound(address);
  if (after == ranges_.begin()) return;
  const auto found = std::prev(after);
  const std::uint64_t head = address - found->first;
  if (head == 0 || head >= found->second.bytes) return;
  ranges_.emplace_hint(
      after, address,
      Rest{.bytes = found->second.bytes - head, .offset = found->second.offset + head});
  found->second.bytes = head;
}

void MissingPages::remove(std::uint64_t address, std::uint64_t bytes) {
  split(address);
  split(address + bytes);
  const auto begin = ranges_.lower_bound(address);
  const auto end = ranges_.lower_bound(address + bytes);
  for (auto range = begin; range != end; ++range) bytes_ -= range->second.bytes;
  ranges_.erase(begin, end);
}

void MissingPages::move(std::uint64_t from, std::uint64_t to, std::uint64_t bytes) {
  split(from);
  split(from + bytes);
  std::vector<PageRange> moved;
  const auto end = ranges_.lower_bound(from + bytes);
  for (auto range = ranges_.lower_bound(from); range != end; ++range)
    moved.push_back({.address = range->first - from + to,
                     .bytes = range->second.bytes,
                     .offset = range->second.offset});
  remove(from, bytes);
  remove(to, bytes);
  for (const PageRange& range : moved) add(range);
}

std::optional<PageRange> MissingPages::at(std::uint64_t address, std::uint64_t most) const {
  const auto after = ranges_.upper_bound(address);
  if (after == ranges_.begin()) return std::nullopt;
  const auto& [begin, rest] = *std::prev(after);
  const std::uint64_t head = address - begin;
  if (head >= rest.bytes) return std::nullopt;
  return PageRange{
      .address = address, .bytes = std::min(rest.bytes - head, most), .offset = rest.offset + head};
}

std::optional<PageRange> MissingPages::next(std::uint64_t address, std::uint64_t most) const {
  if (const auto here = at(address, most)) return here;
  auto found = ranges_.lower_bound(address);
  if (found == ranges_.end()) found = ranges_.begin();
  if (found == ranges_.end()) return std::nullopt;
  return PageRange{.address = found->first,
                   .bytes = std::min(found->second.bytes, most),
                   .offset = found->second.offset};
}

}  // namespace reprise::pager
