// SPDX-License-Identifier: Apache-2.0
//
// Pages of a file on their way into the store: which of them are zeros, and the ids of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "crypto/page_hash.h"
#include "pages/block.h"
#include "sys/file_mapping.h"

namespace reprise::pages {

// Small enough that a few in flight are no burden, large enough that lookups come in batches.
inline constexpr std::size_t kSegmentPages = 512;
inline constexpr std::size_t kSegmentBytes = kSegmentPages * kPageBytes;

// In memory of our own, which has room for whole pages: at most kSegmentBytes.
struct Stretch {
  std::shared_ptr<std::byte[]> memory;
  std::size_t bytes = 0;
};

// Keeps where its pages lie. Does not change once it is made.
class Segment {
 public:
  // Of a file, which must stay as it is, but for its name. At `offset`, a multiple of a page. kIo.
  static Result<std::shared_ptr<const Segment>> of_file(int fd, std::uint64_t offset,
                                                        std::size_t bytes,
                                                        const crypto::PageHasher& hasher);
  static std::shared_ptr<const Segment> of_memory(Stretch stretch,
                                                  const crypto::PageHasher& hasher);

  [[nodiscard]] std::size_t bytes() const;
  // The last one is filled up with zeros.
  [[nodiscard]] std::span<const std::byte> page(std::size_t i) const {
    return pages().subspan(i * kPageBytes, kPageBytes);
  }
  [[nodiscard]] bool is_zero(std::size_t i) const { return zero_[i]; }
  // One for each page; all zeros where is_zero().
  [[nodiscard]] const std::vector<PageId>& ids() const { return ids_; }

 private:
  explicit Segment(std::variant<sys::FileMapping, Stretch> place) : place_(std::move(place)) {}
  static std::shared_ptr<const Segment> make(std::variant<sys::FileMapping, Stretch> place,
                                             const crypto::PageHasher& hasher);
  [[nodiscard]] std::span<const std::byte> pages() const;

  std::variant<sys::FileMapping, Stretch> place_;
  std::vector<bool> zero_;
  std::vector<PageId> ids_;
};

using SharedSegment = std::shared_ptr<const Segment>;

}  // namespace reprise::pages
