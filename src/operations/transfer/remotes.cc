// SPDX-License-Identifier: Apache-2.0
#include "operations/transfer/remotes.h"

#include "config/config.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

Result<config::Remote> find_remote(const config::Config& config, const std::string& wanted) {
  if (!wanted.empty()) return config.remote(wanted);
  if (config.remotes.size() == 1) return config.remotes.front();
  if (config.remotes.empty()) return config.remote("");
  std::string names;
  for (const config::Remote& one : config.remotes) names += (names.empty() ? "" : ", ") + one.name;
  return std::unexpected(Error(ErrorCode::kInvalidInput, "there is more than one remote")
                             .with_hint("name one of: " + names));
}

std::string place_of(const remote::RemoteConfig& access) {
  std::string place = access.url;
  while (place.ends_with('/')) place.pop_back();
  return access.endpoint.empty() ? place : place + " at " + access.endpoint;
}

}  // namespace

Result<OpenRemote> open_named(const Node& node, const std::string& wanted) {
  if (wanted.contains("://")) {
    const remote::RemoteConfig access{.url = wanted};
    auto objects = REPRISE_PASS(remote::open_remote(access));
    return OpenRemote{.name = wanted, .place = place_of(access), .objects = std::move(objects)};
  }
  const config::Remote found = REPRISE_PASS(find_remote(node.config, wanted));
  const std::string step = "opening the remote '" + found.name + "'";
  const remote::RemoteConfig access = REPRISE_TRY(config::access_of(found), step);
  auto objects = REPRISE_TRY(remote::open_remote(access), step);
  return OpenRemote{.name = found.name, .place = place_of(access), .objects = std::move(objects)};
}

Result<OpenRemote> open_to_change(const Node& node, const std::string& wanted) {
  if (wanted.empty()) return fail(ErrorCode::kInvalidInput, "--remote names no remote");
  OpenRemote remote = REPRISE_PASS(open_named(node, wanted));
  if (!remote.place.starts_with("https://")) return remote;
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "'" + remote.name + "' is another node's store, and can only be read")
          .with_hint("run the command on that node, without --remote"));
}

std::vector<std::string> names_of(const Node& node, const OpenRemote& remote) {
  std::vector<std::string> names{remote.name};
  if (remote.place != remote.name) names.push_back(remote.place);
  for (const config::Remote& one : node.config.remotes) {
    const bool other = one.name != remote.name && place_of(one.access) == remote.place;
    if (!other) continue;
    names.push_back(one.name);
  }
  return names;
}

}  // namespace reprise::operations
