// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "vetting/rules.h"

namespace reprise::vetting {

using image::CriuCgroupPlace;
using image::CriuCgroups;

namespace {

const CriuCgroups::Controller* controller_of(const CriuCgroups& cgroups, const std::string& name) {
  const auto found = std::ranges::find_if(cgroups.controllers, [&](const auto& one) {
    return std::ranges::find(one.names, name) != one.names.end();
  });
  return found == cgroups.controllers.end() ? nullptr : &*found;
}

// CRIU puts the new container's cgroup in place of the old one only where the path begins with
// that, and takes it as it stands elsewhere.
Result<void> check_place(const CriuCgroupPlace& place, const CriuCgroups& cgroups,
                         const Grants& grants, const std::string& who) {
  const auto* controller = controller_of(cgroups, place.controller);
  if (controller == nullptr) return more(who, "a cgroup of '" + place.controller + "'");
  const std::string root = "/" + controller->directories.front();
  if (place.path != root && !(place.path.starts_with(root + "/") && is_plain_path(place.path)))
    return more(who, "the cgroup '" + place.path + "'");
  if (place.namespace_prefix &&
      (!grants.namespaces.contains("cgroup") || *place.namespace_prefix != root.size()))
    return more(who, "a cgroup namespace of its own");
  return {};
}

}  // namespace

Result<void> check_cgroups(const CriuCgroups& cgroups, const Grants& grants,
                           const std::set<std::string>& controllers) {
  const std::string who = "the image of cgroups";
  for (const CriuCgroups::Controller& one : cgroups.controllers) {
    if (one.directories.size() != 1 || one.names.empty())
      return more(who, "more than one cgroup, or none");
    if (!is_plain_path("/" + one.directories.front()))
      return more(who, "the cgroup '" + one.directories.front() + "'");
    for (const std::string& name : one.names)
      if (!controllers.contains(name))
        return more(who, "the cgroup controller '" + name + "', or this host");
    const bool used = std::ranges::all_of(cgroups.sets, [&](const CriuCgroups::Set& set) {
      return std::ranges::any_of(set.places, [&](const CriuCgroupPlace& place) {
        return controller_of(cgroups, place.controller) == &one;
      });
    });
    if (!used) return more(who, "a cgroup that no process is in");
  }
  for (const std::string& name : cgroups.names)
    if (name.contains('/') || !is_plain_path("/" + name)) return more(who, "'" + name + "'");
  for (const CriuCgroups::Set& set : cgroups.sets)
    for (const CriuCgroupPlace& place : set.places)
      REPRISE_PASS(check_place(place, cgroups, grants, who));
  return {};
}

std::string cgroup_of(const Grants& grants) {
  const std::string& text = grants.cgroup;
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  if (second == std::string::npos) return text;
  // "a-b.slice" lies in "a.slice".
  std::string slice = text.substr(0, first);
  if (slice.empty()) slice = "system.slice";
  std::string path;
  for (std::size_t dash = slice.find('-'); dash != std::string::npos;
       dash = slice.find('-', dash + 1))
    path += "/" + slice.substr(0, dash) + ".slice";
  path += "/" + slice;
  const std::string prefix = text.substr(first + 1, second - first - 1);
  return path + "/" + (prefix.empty() ? "" : prefix + "-") + text.substr(second + 1) + ".scope";
}

Result<CriuCgroups> renewed_cgroups(const CriuCgroups& cgroups, const Grants& grants,
                                    const std::string& own) {
  if (!is_plain_path(own))
    return base::fail(base::ErrorCode::kUnsupported, "the container's cgroup '" + own +
                                                         "' cannot be given to a checkpoint that "
                                                         "was made elsewhere");
  CriuCgroups renewed;
  std::set<std::string> directories = {own.substr(1)};
  for (const CriuCgroups::Set& set : cgroups.sets) {
    if (set.places.empty()) continue;
    const auto unified = std::ranges::find(set.places, "", &CriuCgroupPlace::controller);
    const CriuCgroupPlace& place = unified == set.places.end() ? set.places.front() : *unified;
    const auto* controller = controller_of(cgroups, place.controller);
    if (controller == nullptr || controller->directories.size() != 1)
      return more("the image of cgroups", "more than one cgroup, or none");
    REPRISE_PASS(check_place(place, cgroups, grants, "the image of cgroups"));
    const std::string path = own + place.path.substr(1 + controller->directories.front().size());
    directories.insert(path.substr(1));
    CriuCgroupPlace moved{.controller = "", .path = path, .namespace_prefix = {}};
    if (grants.namespaces.contains("cgroup")) moved.namespace_prefix = own.size();
    renewed.sets.push_back({.id = set.id, .places = {std::move(moved)}});
  }
  if (!renewed.sets.empty())
    renewed.controllers.push_back(
        {.names = {""}, .directories = {directories.begin(), directories.end()}});
  return renewed;
}

}  // namespace reprise::vetting
