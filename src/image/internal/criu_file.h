// SPDX-License-Identifier: Apache-2.0
//
// The frame around the protobuf messages in CRIU's image files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

// Every CRIU image file begins with a magic number of its class and one of its kind.
inline constexpr std::uint32_t kCriuServiceMagic = 0x55105940;
inline constexpr std::uint32_t kCriuImageMagic = 0x54564319;
inline constexpr std::uint32_t kCoreMagic = 0x55053847;
inline constexpr std::uint32_t kFilesMagic = 0x56303138;
inline constexpr std::uint32_t kMountsMagic = 0x55563928;

std::unexpected<base::Error> damaged(std::string_view what);

// Takes a little-endian number off the front of `bytes`; nullopt if they are too few.
std::optional<std::uint32_t> take_u32(std::string_view& bytes);

// What follows the two magic numbers. kCorrupt, with `what` in the words, if they are others.
base::Result<std::string_view> after_magics(std::string_view file, std::uint32_t class_magic,
                                            std::uint32_t kind_magic, std::string_view what);

// The one message of an image file of that class and kind. kCorrupt, with `what` in the words, if
// it is anything else, or holds more than that message.
base::Result<std::string_view> only_message(std::string_view file, std::uint32_t class_magic,
                                            std::uint32_t kind_magic, std::string_view what);

// The same of a file with one magic number.
base::Result<std::string_view> only_after_magic(std::string_view file, std::uint32_t magic,
                                                std::string_view what);

struct CriuMessages {
  std::string_view head;  // both magic numbers
  std::vector<std::string_view> messages;
};
// All messages of an image file of that class and kind, which may be none. Errors as above.
base::Result<CriuMessages> all_messages(std::string_view file, std::uint32_t class_magic,
                                        std::uint32_t kind_magic, std::string_view what);
void append_message(std::string& file, std::string_view message);

}  // namespace reprise::image
