// SPDX-License-Identifier: Apache-2.0
//
// Strict reading of the protobuf messages in CRIU's image files, for images that somebody else
// made.
//
// A usual protobuf library skips what it does not know and merges what stands twice, and another
// one may merge it otherwise: what we had looked at would not be what CRIU restores. Here whatever
// is unknown, stands twice or does not fit its type is an error.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

// How a field stands in CRIU's definition.
enum class CriuFieldKind : std::uint8_t {
  kNumber,   // uint32, bool, enum
  kLong,     // uint64
  kSigned,   // int32
  kZigzag,   // sint32
  kText,     // string: for CRIU it ends at a NUL, so there must be none
  kBytes,    // bytes, a message
  kNumbers,  // repeated uint32, packed or not
  kLongs,    // repeated uint64, likewise
  kMany,     // repeated string, bytes or message
};
struct CriuField {
  std::uint32_t number = 0;
  CriuFieldKind kind = CriuFieldKind::kNumber;
};

// One message, whose contents must outlive it.
class CriuMessage {
 public:
  // kCorrupt for bytes that are no message of these fields; kUnsupported for a field that is not
  // among them. `what` is put into the words.
  static base::Result<CriuMessage> parse(std::string_view bytes, std::span<const CriuField> fields,
                                         std::string_view what);

  [[nodiscard]] bool has(std::uint32_t field) const { return values_.contains(field); }
  // 0, or empty, if it is not there.
  [[nodiscard]] std::uint64_t number(std::uint32_t field) const;
  [[nodiscard]] std::int64_t zigzag(std::uint32_t field) const;
  [[nodiscard]] std::string_view bytes(std::uint32_t field) const;
  [[nodiscard]] std::string text(std::uint32_t field) const { return std::string(bytes(field)); }
  [[nodiscard]] const std::vector<std::uint64_t>& numbers(std::uint32_t field) const;
  [[nodiscard]] const std::vector<std::string_view>& many(std::uint32_t field) const;

 private:
  struct Value {
    std::vector<std::uint64_t> numbers;
    std::vector<std::string_view> bytes;
  };
  static std::optional<Value> take_value(std::string_view& bytes, CriuFieldKind kind,
                                         bool has_length);
  std::map<std::uint32_t, Value> values_;
};

// Writes one.
class CriuMessageWriter {
 public:
  CriuMessageWriter& add(std::uint32_t field, std::uint64_t number);
  CriuMessageWriter& add(std::uint32_t field, std::string_view bytes);
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};
// An image file of that kind with one message.
std::string encode_criu_image(std::uint32_t kind_magic, const CriuMessageWriter& message);

// The messages of an image file of that kind, in their order. kCorrupt, with `what` in the words,
// for anything else, and for more than `most` of them.
base::Result<std::vector<std::string_view>> criu_messages(std::string_view file,
                                                          std::uint32_t kind_magic,
                                                          std::string_view what,
                                                          std::size_t most = 1'000'000);

// The first of them, where something else may follow it.
base::Result<std::string_view> first_criu_message(std::string_view file, std::uint32_t kind_magic,
                                                  std::string_view what);

}  // namespace reprise::image
