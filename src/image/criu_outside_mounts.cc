// SPDX-License-Identifier: Apache-2.0
#include "image/criu_outside_mounts.h"

#include <cstddef>
#include <cstdint>

#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::uint32_t kMountsMagic = 0x55563928;
// Fields of CRIU 4.2's images/mnt.proto.
constexpr std::uint64_t kOldOutside = 13;  // `ext_mount`, a flag
constexpr std::uint64_t kDeleted = 16;
constexpr std::uint64_t kOutside = 18;  // `ext_key`

// Takes bytes off the front of what is left; after a failure everything is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::uint32_t u32() {
    std::uint32_t value = 0;
    const std::string_view bytes = take(sizeof value);
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
    return value;
  }

  std::uint64_t varint() {
    constexpr unsigned kBits = 7;
    constexpr unsigned kMost = 64;
    constexpr unsigned kMore = 0x80;
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < kMost; shift += kBits) {
      const std::string_view byte = take(1);
      if (failed_) return 0;
      const auto bits = static_cast<unsigned char>(byte[0]);
      value |= static_cast<std::uint64_t>(bits & ~kMore) << shift;
      if ((bits & kMore) == 0) return value;
    }
    failed_ = true;
    return 0;
  }

  // The value of a field, whatever it is.
  void skip(std::uint64_t wire_type) {
    constexpr std::uint64_t kVarint = 0;
    constexpr std::uint64_t kFixed64 = 1;
    constexpr std::uint64_t kBytes = 2;
    constexpr std::uint64_t kFixed32 = 5;
    if (wire_type == kVarint)
      varint();
    else if (wire_type == kFixed64)
      take(sizeof(std::uint64_t));
    else if (wire_type == kBytes)
      take(varint());
    else if (wire_type == kFixed32)
      take(sizeof(std::uint32_t));
    else
      failed_ = true;
  }

  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct Edited {
  std::string message;
  bool from_outside = false;
  bool was_deleted = false;
};

// The same mount without the note that it was deleted; nullopt if it is no message.
std::optional<Edited> without_deleted(std::string_view message) {
  constexpr unsigned kWireBits = 3;
  Edited edited;
  Reader reader(message);
  while (!reader.at_end()) {
    const std::size_t begin = message.size() - reader.left();
    const std::uint64_t key = reader.varint();
    const std::uint64_t field = key >> kWireBits;
    reader.skip(key & ((1U << kWireBits) - 1));
    if (reader.failed()) return std::nullopt;
    edited.from_outside |= field == kOutside || field == kOldOutside;
    if (field == kDeleted)
      edited.was_deleted = true;
    else
      edited.message += message.substr(begin, message.size() - reader.left() - begin);
  }
  return edited;
}

void append_u32(std::string& text, std::size_t value) {
  constexpr unsigned kBits = 8;
  for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i, value >>= kBits)
    text.push_back(static_cast<char>(static_cast<unsigned char>(value)));
}

std::unexpected<base::Error> damaged() {
  return base::fail(ErrorCode::kCorrupt, "an image of mounts of CRIU is damaged");
}

}  // namespace

Result<std::optional<std::string>> forget_deleted_sources(std::string_view file) {
  Reader reader(file);
  if (reader.u32() != kCriuImageMagic || reader.u32() != kMountsMagic || reader.failed())
    return base::fail(ErrorCode::kCorrupt, "not an image of mounts of CRIU");
  std::string result(file.substr(0, file.size() - reader.left()));
  bool changed = false;
  while (!reader.at_end()) {
    const std::string_view message = reader.take(reader.u32());
    const auto edited = reader.failed() ? std::nullopt : without_deleted(message);
    if (!edited) return damaged();
    const bool mends = edited->from_outside && edited->was_deleted;
    const std::string_view kept = mends ? std::string_view(edited->message) : message;
    append_u32(result, kept.size());
    result += kept;
    changed |= mends;
  }
  if (!changed) return std::nullopt;
  return result;
}

}  // namespace reprise::image
