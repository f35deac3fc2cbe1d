// SPDX-License-Identifier: Apache-2.0
#include "image/criu_message.h"

#include <algorithm>

#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// The kinds that CRIU's images use, apart from fixed numbers, which stand nowhere that we look.
enum Wire : std::uint32_t { kVarint = 0, kLength = 2 };

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    // The tenth byte has room for one bit.
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(0x80U | (value & 0x7FU));
  out += static_cast<char>(value);
}

std::optional<std::string_view> take(std::string_view& bytes, std::uint64_t count) {
  if (count > bytes.size()) return std::nullopt;
  const std::string_view taken = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return taken;
}

bool is_numbers(CriuFieldKind kind) {
  return kind == CriuFieldKind::kNumbers || kind == CriuFieldKind::kLongs;
}

bool is_repeated(CriuFieldKind kind) { return is_numbers(kind) || kind == CriuFieldKind::kMany; }

// A reader cuts off what does not fit, so that 1 << 32 would be true to one and 0 to another.
bool in_range(CriuFieldKind kind, std::uint64_t value) {
  if (kind == CriuFieldKind::kLong || kind == CriuFieldKind::kLongs) return true;
  if (kind == CriuFieldKind::kSigned) {
    const auto number = static_cast<std::int64_t>(value);
    return number >= INT32_MIN && number <= INT32_MAX;
  }
  return value <= UINT32_MAX;
}

bool fits(CriuFieldKind kind, std::uint64_t wire) {
  switch (kind) {
    case CriuFieldKind::kNumber:
    case CriuFieldKind::kLong:
    case CriuFieldKind::kSigned:
    case CriuFieldKind::kZigzag:
      return wire == kVarint;
    case CriuFieldKind::kNumbers:
    case CriuFieldKind::kLongs:
      return wire == kVarint || wire == kLength;
    case CriuFieldKind::kText:
    case CriuFieldKind::kBytes:
    case CriuFieldKind::kMany:
      return wire == kLength;
  }
  return false;
}

}  // namespace

// What one field holds, taken off the front of `bytes`.
std::optional<CriuMessage::Value> CriuMessage::take_value(std::string_view& bytes,
                                                          CriuFieldKind kind, bool has_length) {
  Value value;
  const auto number = [&](std::string_view& from) {
    const auto one = take_varint(from);
    if (!one || !in_range(kind, *one)) return false;
    value.numbers.push_back(*one);
    return true;
  };
  if (!has_length) return number(bytes) ? std::optional(std::move(value)) : std::nullopt;
  const auto length = take_varint(bytes);
  auto contents = length ? take(bytes, *length) : std::nullopt;
  if (!contents) return std::nullopt;
  if (kind == CriuFieldKind::kText && contents->contains('\0')) return std::nullopt;
  if (!is_numbers(kind)) {
    value.bytes.push_back(*contents);
    return value;
  }
  while (!contents->empty())
    if (!number(*contents)) return std::nullopt;
  return value;
}

Result<CriuMessage> CriuMessage::parse(std::string_view bytes, std::span<const CriuField> fields,
                                       std::string_view what) {
  CriuMessage message;
  while (!bytes.empty()) {
    const auto tag = take_varint(bytes);
    if (!tag || *tag > UINT32_MAX) return damaged(what);
    const auto number = static_cast<std::uint32_t>(*tag >> 3U);
    const auto wire = static_cast<std::uint32_t>(*tag & 7U);
    const auto field = std::ranges::find(fields, number, &CriuField::number);
    if (field == fields.end())
      return fail(ErrorCode::kUnsupported, std::string(what) + " of CRIU has the field " +
                                               std::to_string(number) +
                                               ", which this version does not know");
    if (!fits(field->kind, wire)) return damaged(what);
    if (!is_repeated(field->kind) && message.has(number)) return damaged(what);
    auto value = take_value(bytes, field->kind, wire == kLength);
    if (!value) return damaged(what);
    Value& all = message.values_[number];
    all.numbers.insert(all.numbers.end(), value->numbers.begin(), value->numbers.end());
    all.bytes.insert(all.bytes.end(), value->bytes.begin(), value->bytes.end());
  }
  return message;
}

std::uint64_t CriuMessage::number(std::uint32_t field) const {
  const auto& found = numbers(field);
  return found.empty() ? 0 : found.front();
}

std::int64_t CriuMessage::zigzag(std::uint32_t field) const {
  const std::uint64_t value = number(field);
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

std::string_view CriuMessage::bytes(std::uint32_t field) const {
  const auto& found = many(field);
  return found.empty() ? std::string_view() : found.front();
}

const std::vector<std::uint64_t>& CriuMessage::numbers(std::uint32_t field) const {
  static const std::vector<std::uint64_t> none;
  const auto found = values_.find(field);
  return found == values_.end() ? none : found->second.numbers;
}

const std::vector<std::string_view>& CriuMessage::many(std::uint32_t field) const {
  static const std::vector<std::string_view> none;
  const auto found = values_.find(field);
  return found == values_.end() ? none : found->second.bytes;
}

Result<std::vector<std::string_view>> criu_messages(std::string_view file, std::uint32_t kind_magic,
                                                    std::string_view what, std::size_t most) {
  std::string_view rest = REPRISE_PASS(after_magics(file, kCriuImageMagic, kind_magic, what));
  std::vector<std::string_view> messages;
  while (!rest.empty()) {
    const std::optional<std::uint32_t> size = take_u32(rest);
    const auto message = size ? take(rest, *size) : std::nullopt;
    if (!message) return fail(ErrorCode::kCorrupt, std::string(what) + " of CRIU is cut short");
    if (messages.size() == most)
      return fail(ErrorCode::kCorrupt, std::string(what) + " of CRIU holds more than " +
                                           std::to_string(most) + " messages");
    messages.push_back(*message);
  }
  return messages;
}

CriuMessageWriter& CriuMessageWriter::add(std::uint32_t field, std::uint64_t number) {
  put_varint(bytes_, std::uint64_t{field} << 3U | kVarint);
  put_varint(bytes_, number);
  return *this;
}

CriuMessageWriter& CriuMessageWriter::add(std::uint32_t field, std::string_view bytes) {
  put_varint(bytes_, std::uint64_t{field} << 3U | kLength);
  put_varint(bytes_, bytes.size());
  bytes_ += bytes;
  return *this;
}

std::string encode_criu_image(std::uint32_t kind_magic, const CriuMessageWriter& message) {
  std::string file;
  const auto size = static_cast<std::uint32_t>(message.bytes().size());
  for (const std::uint32_t number : {kCriuImageMagic, kind_magic, size})
    for (unsigned shift = 0; shift < 32; shift += 8)
      file += static_cast<char>(number >> shift & 0xFFU);
  return file + message.bytes();
}

Result<std::string_view> first_criu_message(std::string_view file, std::uint32_t kind_magic,
                                            std::string_view what) {
  std::string_view rest = REPRISE_PASS(after_magics(file, kCriuImageMagic, kind_magic, what));
  const std::optional<std::uint32_t> size = take_u32(rest);
  const auto message = size ? take(rest, *size) : std::nullopt;
  if (!message) return fail(ErrorCode::kCorrupt, std::string(what) + " of CRIU is cut short");
  return *message;
}

}  // namespace reprise::image
