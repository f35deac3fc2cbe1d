// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint/copies.h"

namespace reprise::cli {

using base::CheckpointId;

std::string places_of(const std::vector<catalog::Copy>& copies, const CheckpointId& id) {
  std::string places = "local";
  for (const catalog::Copy& copy : copies)
    if (copy.checkpoint == id)
      places += ", " + copy.remote + (copy.uploading ? " (uploading)" : "");
  return places;
}

Json copies_json(const std::vector<catalog::Copy>& copies, const CheckpointId& id) {
  Json list = Json::array();
  for (const catalog::Copy& copy : copies)
    if (copy.checkpoint == id)
      list.push_back({{"remote", copy.remote}, {"state", copy.uploading ? "uploading" : "there"}});
  return list;
}

}  // namespace reprise::cli
