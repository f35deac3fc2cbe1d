// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/known_objects.h"

#include <utility>

#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::kube {

using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;

namespace {

std::string name_of(const json& object) {
  const json& metadata = child_of(object, "metadata");
  return text_in(metadata, "namespace") + "/" + text_in(metadata, "name");
}

std::string uid_of(const json& object) { return text_in(child_of(object, "metadata"), "uid"); }

json outline_of(const json& object) {
  json outline{{"metadata", child_of(object, "metadata")}};
  for (const char* field : {"apiVersion", "kind"})
    if (const std::string text = text_in(object, field); !text.empty()) outline[field] = text;
  return outline;
}

}  // namespace

void KnownObjects::set(const json& object) { objects_[name_of(object)] = outline_of(object); }

void KnownObjects::remove(const json& object) { objects_.erase(name_of(object)); }

std::vector<json> KnownObjects::replace(const std::vector<json>& all) {
  std::map<std::string, json> before = std::exchange(objects_, {});
  for (const json& object : all) {
    set(object);
    const auto found = before.find(name_of(object));
    if (found != before.end() && uid_of(found->second) == uid_of(object)) before.erase(found);
  }
  std::vector<json> gone;
  gone.reserve(before.size());
  for (auto& [name, outline] : before) gone.push_back(std::move(outline));
  return gone;
}

}  // namespace reprise::kube
