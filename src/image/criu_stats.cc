// SPDX-License-Identifier: Apache-2.0
#include "image/criu_stats.h"

#include "criu_stats.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::uint32_t kStatsMagic = 0x57093306;

}  // namespace

Result<CriuDumpStats> decode_dump_stats(std::string_view file) {
  const std::string_view message =
      REPRISE_PASS(only_message(file, kCriuServiceMagic, kStatsMagic, "a statistics file"));
  criu::Stats stats;
  if (!stats.ParseFromArray(message.data(), static_cast<int>(message.size())))
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
