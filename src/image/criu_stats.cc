// SPDX-License-Identifier: Apache-2.0
#include "image/criu_stats.h"

#include <limits>
#include <optional>

#include "criu_stats.pb.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

// Every CRIU image file begins with a magic number of its class and one of its kind.
constexpr std::uint32_t kServiceMagic = 0x55105940;
constexpr std::uint32_t kStatsMagic = 0x57093306;

// Takes a little-endian number off the front of `bytes`.
std::optional<std::uint32_t> take_u32(std::string_view& bytes) {
  constexpr std::size_t kBytes = 4;
  if (bytes.size() < kBytes) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = kBytes; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(kBytes);
  return value;
}

}  // namespace

Result<CriuDumpStats> decode_dump_stats(std::string_view file) {
  if (take_u32(file) != kServiceMagic || take_u32(file) != kStatsMagic)
    return fail(ErrorCode::kCorrupt, "not a statistics file of CRIU");
  const std::optional<std::uint32_t> size = take_u32(file);
  if (!size || *size != file.size() || *size > std::numeric_limits<int>::max())
    return fail(ErrorCode::kCorrupt, "CRIU's statistics file is cut short or too long");
  criu::Stats stats;
  if (!stats.ParseFromArray(file.data(), static_cast<int>(file.size())))
    return fail(ErrorCode::kCorrupt, "CRIU's statistics file is damaged");
  if (!stats.has_dump())
    return fail(ErrorCode::kCorrupt, "CRIU's statistics file is not about a dump");
  const criu::DumpStats& dump = stats.dump();
  return CriuDumpStats{.freezing_us = dump.freezing_time(),
                       .frozen_us = dump.frozen_time(),
                       .memdump_us = dump.memdump_time(),
                       .memwrite_us = dump.memwrite_time(),
                       .pages_written = dump.pages_written()};
}

}  // namespace reprise::image
