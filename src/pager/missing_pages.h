// SPDX-License-Identifier: Apache-2.0
//
// Which pages of one address space are not there yet, and where in its image file each of them is.
//
// Pure. Addresses and lengths are bytes, multiples of kPageBytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace reprise::pager {

inline constexpr std::uint64_t kPageBytes = 4096;

// Pages that follow each other both in memory and in the file.
struct PageRange {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;  // in the file
  bool operator==(const PageRange&) const = default;
};

class MissingPages {
 public:
  // What was there before gives way.
  void add(const PageRange& range);
  // The program removed or unmapped it: what it finds there from now on are zeros.
  void remove(std::uint64_t address, std::uint64_t bytes);
  // The program moved a mapping. What was missing at the new place is gone with what it replaced.
  void move(std::uint64_t from, std::uint64_t to, std::uint64_t bytes);

  // The part of [address, address + most) that begins at `address` and is missing.
  [[nodiscard]] std::optional<PageRange> at(std::uint64_t address, std::uint64_t most) const;
  // The first that is missing at `address` or above, at most `most` bytes of it; from the beginning
  // again where there is none above.
  [[nodiscard]] std::optional<PageRange> next(std::uint64_t address, std::uint64_t most) const;

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

 private:
  struct Rest {
    std::uint64_t bytes = 0;
    std::uint64_t offset = 0;
  };
  // Makes a border at `address`, if that lies within a range.
  void split(std::uint64_t address);

  std::map<std::uint64_t, Rest> ranges_;  // by address, disjoint
  std::uint64_t bytes_ = 0;
};

}  // namespace reprise::pager
