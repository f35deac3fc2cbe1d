// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are not zeros first: for what is filled at once. Filling a gigabyte with zeros, a
// buffer at a time, took as long as to decrypt it, and so did a vector's loops that leave the bytes
// as they are, where the compiler does not see that they do nothing (-O1).
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace reprise::base {

// Keeps its memory when it becomes shorter. Empty when it was moved from.
class RawBytes {
 public:
  RawBytes() = default;
  explicit RawBytes(std::size_t size) { resize(size); }
  RawBytes(RawBytes&& other) noexcept { swap(other); }
  RawBytes& operator=(RawBytes&& other) noexcept {
    RawBytes(std::move(other)).swap(*this);
    return *this;
  }
  RawBytes(const RawBytes&) = delete;
  RawBytes& operator=(const RawBytes&) = delete;
  ~RawBytes() = default;

  // What they were is lost.
  void resize(std::size_t size) {
    if (size > room_) {
      bytes_.reset();  // never both at once
      bytes_ = std::make_unique_for_overwrite<std::byte[]>(size);
      room_ = size;
    }
    size_ = size;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::byte* data() { return bytes_.get(); }
  [[nodiscard]] const std::byte* data() const { return bytes_.get(); }
  [[nodiscard]] std::byte* begin() { return data(); }
  [[nodiscard]] const std::byte* begin() const { return data(); }
  [[nodiscard]] std::byte* end() { return data() + size_; }
  [[nodiscard]] const std::byte* end() const { return data() + size_; }

 private:
  void swap(RawBytes& other) noexcept {
    bytes_.swap(other.bytes_);
    std::swap(size_, other.size_);
    std::swap(room_, other.room_);
  }

  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace reprise::base
