// SPDX-License-Identifier: Apache-2.0
#include "image/criu_core.h"

#include "criu_core.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::Result;

namespace {}  // namespace

Result<std::vector<CriuLimit>> decode_core_limits(std::string_view file) {
  const std::string_view message =
      REPRISE_PASS(only_message(file, kCriuImageMagic, kCoreMagic, "a core image"));
  criu::Core core;
  if (!core.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return base::fail(base::ErrorCode::kCorrupt, "a core image of CRIU is damaged");
  std::vector<CriuLimit> limits;
  for (const criu::Rlimit& limit : core.tc().rlimits().rlimits())
    limits.push_back({.soft = limit.cur(), .hard = limit.max()});
  return limits;
}

}  // namespace reprise::image
