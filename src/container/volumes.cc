// SPDX-License-Identifier: Apache-2.0
#include "container/volumes.h"

#include <map>
#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "json/writer.h"
#include "oci/spec.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;
namespace fs = std::filesystem;

std::vector<Volume> podman_volumes(const oci::Spec& spec, const fs::path& bundle) {
  // STORAGE/overlay-containers/ID/userdata
  const fs::path storage = bundle.lexically_normal().parent_path().parent_path().parent_path();
  std::map<std::string, Volume> found;
  for (const oci::Mount& mount : spec.mounts) {
    if (mount.type != "bind") continue;
    const fs::path below = fs::path(mount.source).lexically_relative(storage / "volumes");
    // With `subpath`, more comes behind "_data".
    auto part = below.begin();
    if (below.empty() || *part == ".." || std::next(part) == below.end()) continue;
    const std::string name = (part++)->string();
    if (*part != "_data") continue;
    Volume& volume = found[name];
    volume.name = name;
    volume.directory = storage / "volumes" / name / "_data";
    volume.destinations.push_back(mount.destination);
  }
  std::vector<Volume> volumes;
  for (auto& [name, volume] : found) volumes.push_back(std::move(volume));
  return volumes;
}

namespace {

// Paths are any bytes.
json of_bytes(const std::vector<std::string>& paths) {
  json list = json::array();
  for (const std::string& path : paths) list.push_back(json_writer::of_bytes(path));
  return list;
}

std::vector<std::string> bytes_in(const json& list) {
  std::vector<std::string> paths;
  for (const json& path : list) paths.push_back(json_reader::bytes_in(path));
  return paths;
}

}  // namespace

std::string encode_volumes(const std::vector<SavedVolume>& volumes) {
  json list = json::array();
  for (const SavedVolume& volume : volumes) {
    json& item = list.emplace_back(json{{"name", volume.name},
                                        {"destinations", of_bytes(volume.destinations)},
                                        {"part", volume.part}});
    if (volume.pod.empty()) continue;
    item["pod"] = volume.pod;
    item["taken"] = volume.taken;
  }
  constexpr int kIndent = 2;
  return json_writer::print(list, kIndent) + "\n";
}

Result<std::vector<SavedVolume>> decode_volumes(std::string_view text) {
  try {
    std::vector<SavedVolume> volumes;
    for (const json& item : json_reader::parse(text))
      volumes.push_back({.name = item.at("name").get<std::string>(),
                         .destinations = bytes_in(item.at("destinations")),
                         .part = item.at("part").get<std::string>(),
                         .pod = item.value("pod", ""),
                         .taken = item.value("taken", base::UnixMillis{0})});
    return volumes;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("the list of volumes cannot be read: ") + error.what());
  }
}

}  // namespace reprise::container
