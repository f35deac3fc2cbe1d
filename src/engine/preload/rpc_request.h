// SPDX-License-Identifier: Apache-2.0
//
// What runc asks of CRIU (criu/images/rpc.proto): a criu_req in the wire format of protobuf. Pure,
// and used inside a foreign program: no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace reprise::engine::preload {

constexpr std::uint32_t kRequestOptions = 2;    // criu_req.opts
constexpr std::uint32_t kEmptyNamespaces = 38;  // criu_opts.empty_ns

class WireReader {
 public:
  explicit WireReader(std::span<std::uint8_t> bytes) : bytes_(bytes) {}

  struct Field {
    std::uint32_t number = 0;
    std::span<std::uint8_t> content;  // of a number: its bytes
  };

  // nullopt at the end, and at what is none.
  std::optional<Field> next() {
    const auto key = number();
    if (!key) return std::nullopt;
    Field field{.number = static_cast<std::uint32_t>(key->value >> kTypeBits), .content = {}};
    switch (key->value & kTypeMask) {
      case 0: {
        const auto value = number();
        if (!value) return std::nullopt;
        field.content = value->bytes;
        return field;
      }
      case 1:
        return take(field, sizeof(std::uint64_t));
      case 2: {
        const auto size = number();
        if (!size) return std::nullopt;
        return take(field, size->value);
      }
      case 5:
        return take(field, sizeof(std::uint32_t));
      default:
        return std::nullopt;
    }
  }

 private:
  static constexpr int kTypeBits = 3;
  static constexpr std::uint64_t kTypeMask = 7;
  struct Number {
    std::uint64_t value = 0;
    std::span<std::uint8_t> bytes;
  };

  std::optional<Number> number() {
    constexpr std::size_t kLongest = 10;
    constexpr int kBits = 7;
    constexpr std::uint8_t kMore = 0x80;
    Number result;
    for (std::size_t i = 0; i < bytes_.size() && i < kLongest; ++i) {
      result.value |= static_cast<std::uint64_t>(bytes_[i] & ~kMore) << (kBits * i);
      if ((bytes_[i] & kMore) != 0) continue;
      result.bytes = bytes_.first(i + 1);
      bytes_ = bytes_.subspan(i + 1);
      return result;
    }
    return std::nullopt;
  }

  std::optional<Field> take(Field field, std::uint64_t size) {
    if (size > bytes_.size()) return std::nullopt;
    field.content = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return field;
  }

  std::span<std::uint8_t> bytes_;
};

// Takes the wish out of the request that contents of network namespaces are left out. Its size
// stays: protobuf lets a number be longer than it need be.
inline void keep_networks(std::span<std::uint8_t> request) {
  WireReader fields(request);
  while (const auto field = fields.next()) {
    if (field->number != kRequestOptions) continue;
    WireReader options(field->content);
    while (const auto option = options.next())
      if (option->number == kEmptyNamespaces)
        for (std::uint8_t& byte : option->content) byte &= 0x80;
  }
}

}  // namespace reprise::engine::preload
