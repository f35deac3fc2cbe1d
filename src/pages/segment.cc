// SPDX-License-Identifier: Apache-2.0
#include "pages/segment.h"

#include <cstring>

namespace reprise::pages {
namespace {

bool is_all_zeros(std::span<const std::byte> page) {
  // Compared with itself, one byte on: the first byte is zero, and each equals the one before.
  return page[0] == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

}  // namespace

SharedSegment Segment::make(std::variant<sys::FileMapping, Stretch> place,
                            const crypto::PageHasher& hasher) {
  const std::shared_ptr<Segment> segment(new Segment(std::move(place)));
  const std::size_t pages = segment->pages().size() / kPageBytes;
  segment->zero_.resize(pages);
  segment->ids_.resize(pages);
  for (std::size_t i = 0; i < pages; ++i) {
    segment->zero_[i] = is_all_zeros(segment->page(i));
    if (!segment->zero_[i]) segment->ids_[i] = hasher.of(segment->page(i));
  }
  return segment;
}

Result<SharedSegment> Segment::of_file(int fd, std::uint64_t offset, std::size_t bytes,
                                       const crypto::PageHasher& hasher) {
  return make(REPRISE_PASS(sys::FileMapping::map(fd, offset, bytes)), hasher);
}

SharedSegment Segment::of_memory(Stretch stretch, const crypto::PageHasher& hasher) {
  const std::size_t rest = stretch.bytes % kPageBytes;
  if (rest != 0) std::memset(stretch.memory.get() + stretch.bytes, 0, kPageBytes - rest);
  return make(std::move(stretch), hasher);
}

std::size_t Segment::bytes() const {
  if (const auto* stretch = std::get_if<Stretch>(&place_)) return stretch->bytes;
  return std::get<sys::FileMapping>(place_).bytes().size();
}

std::span<const std::byte> Segment::pages() const {
  if (const auto* stretch = std::get_if<Stretch>(&place_))
    return {stretch->memory.get(), (stretch->bytes + kPageBytes - 1) / kPageBytes * kPageBytes};
  return std::get<sys::FileMapping>(place_).pages();
}

}  // namespace reprise::pages
