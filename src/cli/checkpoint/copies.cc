// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint/copies.h"

#include <algorithm>
#include <utility>

namespace reprise::cli {

using base::CheckpointId;

namespace {

constexpr const char* kThere = "there";
constexpr const char* kUploading = "uploading";
constexpr const char* kFailing = "failing";

using Place = std::pair<std::string, std::string>;  // of a remote: its name, and a state

bool fails(const Elsewhere& elsewhere, const std::string& remote, const CheckpointId& id) {
  return std::ranges::any_of(elsewhere.failing, [&](const operations::UploadFailure& one) {
    return one.remote == remote && std::ranges::find(one.lacking, id) != one.lacking.end();
  });
}

// An upload that fails may have begun, or not even that.
std::vector<Place> states_of(const Elsewhere& elsewhere, const CheckpointId& id) {
  std::vector<Place> places;
  for (const catalog::Copy& copy : elsewhere.copies)
    if (copy.checkpoint == id && !fails(elsewhere, copy.remote, id))
      places.emplace_back(copy.remote, copy.uploading ? kUploading : kThere);
  for (const operations::UploadFailure& one : elsewhere.failing)
    if (fails(elsewhere, one.remote, id)) places.emplace_back(one.remote, kFailing);
  std::ranges::sort(places);
  return places;
}

}  // namespace

std::string places_of(const Elsewhere& elsewhere, const CheckpointId& id) {
  std::string places = "local";
  for (const auto& [remote, state] : states_of(elsewhere, id)) {
    places += ", " + remote;
    if (state == kUploading) places += " (uploading)";
    if (state == kFailing) places += " (upload fails)";
  }
  return places;
}

Json copies_json(const Elsewhere& elsewhere, const CheckpointId& id) {
  Json list = Json::array();
  for (const auto& [remote, state] : states_of(elsewhere, id))
    list.push_back({{"remote", remote}, {"state", state}});
  return list;
}

}  // namespace reprise::cli
