// SPDX-License-Identifier: Apache-2.0
//
// The rows of `reprise ps`: Podman's containers joined with the catalog.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "podman/container_info.h"

namespace reprise::cli {

struct PsRow {
  podman::ContainerInfo info;
  int lives = 0;                               // starts and restores
  std::optional<catalog::CheckpointRow> last;  // its newest checkpoint
  bool pending = false;                        // its next start continues from a checkpoint
  std::string note;  // why it has no checkpoint to go on from, or runs unseen
};

// Which containers are listed: those that run or that a start would resume, or all of ours.
enum class PsScope : unsigned char { kCurrent, kAll };

base::Result<std::vector<PsRow>> ps_rows(catalog::Catalog& catalog,
                                         std::vector<podman::ContainerInfo> containers,
                                         PsScope scope);

void print_ps(std::ostream& out, const std::vector<PsRow>& rows, base::UnixMillis now);
void print_ps_json(std::ostream& out, const std::vector<PsRow>& rows);

}  // namespace reprise::cli
