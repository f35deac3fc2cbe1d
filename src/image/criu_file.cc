// SPDX-License-Identifier: Apache-2.0
#include "image/internal/criu_file.h"

#include <limits>
#include <optional>
#include <string>

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

std::unexpected<base::Error> damaged(std::string_view what) {
  return base::fail(base::ErrorCode::kCorrupt, std::string(what) + " of CRIU is damaged");
}

std::optional<std::uint32_t> take_u32(std::string_view& bytes) {
  constexpr std::size_t kBytes = 4;
  if (bytes.size() < kBytes) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = kBytes; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(kBytes);
  return value;
}

Result<std::string_view> after_magics(std::string_view file, std::uint32_t class_magic,
                                      std::uint32_t kind_magic, std::string_view what) {
  if (take_u32(file) != class_magic || take_u32(file) != kind_magic)
    return fail(ErrorCode::kCorrupt, "not " + std::string(what) + " of CRIU");
  return file;
}

Result<std::string_view> only_after_magic(std::string_view file, std::uint32_t magic,
                                          std::string_view what) {
  if (take_u32(file) != magic)
    return fail(ErrorCode::kCorrupt, "not " + std::string(what) + " of CRIU");
  const std::optional<std::uint32_t> size = take_u32(file);
  if (!size || *size != file.size())
    return fail(ErrorCode::kCorrupt, std::string(what) + " of CRIU is cut short or too long");
  return file;
}

Result<std::string_view> only_message(std::string_view file, std::uint32_t class_magic,
                                      std::uint32_t kind_magic, std::string_view what) {
  file = REPRISE_PASS(after_magics(file, class_magic, kind_magic, what));
  const std::optional<std::uint32_t> size = take_u32(file);
  if (!size || *size != file.size() || *size > std::numeric_limits<int>::max())
    return fail(ErrorCode::kCorrupt, std::string(what) + " of CRIU is cut short or too long");
  return file;
}

Result<CriuMessages> all_messages(std::string_view file, std::uint32_t class_magic,
                                  std::uint32_t kind_magic, std::string_view what) {
  const std::string_view whole = file;
  if (take_u32(file) != class_magic || take_u32(file) != kind_magic)
    return fail(ErrorCode::kCorrupt, "not " + std::string(what) + " of CRIU");
  CriuMessages found{.head = whole.substr(0, whole.size() - file.size()), .messages = {}};
  while (!file.empty()) {
    const std::optional<std::uint32_t> size = take_u32(file);
    if (!size || *size > file.size() || *size > std::numeric_limits<int>::max())
      return fail(ErrorCode::kCorrupt, std::string(what) + " of CRIU is cut short or too long");
    found.messages.push_back(file.substr(0, *size));
    file.remove_prefix(*size);
  }
  return found;
}

void append_message(std::string& file, std::string_view message) {
  constexpr unsigned kBits = 8;
  auto size = static_cast<std::uint32_t>(message.size());
  for (std::size_t i = 0; i < sizeof size; ++i, size >>= kBits)
    file.push_back(static_cast<char>(static_cast<unsigned char>(size)));
  file += message;
}

}  // namespace reprise::image
