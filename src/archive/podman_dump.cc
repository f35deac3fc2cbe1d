// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "archive/container_dump.h"
#include "archive/internal/json.h"
#include "json/writer.h"

namespace reprise::archive {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr const char* kMember = "ContainerConfig";

// Paths in it (of its /dev/shm, its logs, …) carry the container's id.
std::string with_id(std::string text, const std::string& from, const std::string& to) {
  if (from.empty() || from == to) return text;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

// By it Podman gives the container the address that it had. Of more than one network nothing is
// known: which address belongs to which.
std::string network_status(const json& networks, const std::vector<std::string>& addresses) {
  if (networks.size() != 1 || addresses.empty()) return {};
  json subnets = json::array();
  for (const std::string& address : addresses) subnets.push_back({{"ipnet", address}});
  std::string interface = "eth0";
  if (const auto name = text_field(*networks.begin(), kMember, "interface_name");
      name && !name->empty())
    interface = *name;
  json status;
  status[networks.begin().key()]["interfaces"][interface]["subnets"] = std::move(subnets);
  return json_writer::print(status);
}

}  // namespace

Result<PodmanDump> make_podman_dump(std::string_view container_config,
                                    const ExportedContainer& container) {
  const json original = REPRISE_PASS(parse_object(container_config, kMember));
  const std::string old_id = REPRISE_PASS(text_field(original, kMember, "id"));
  if (!REPRISE_PASS(text_field(original, kMember, "pod")).empty())
    return fail(ErrorCode::kUnsupported, "it belongs to a pod, which its archive cannot hold");
  json config = REPRISE_PASS(
      parse_object(with_id(std::string(container_config), old_id, container.id), kMember));
  config["id"] = container.id;
  config["name"] = container.name;
  config["runtime"] = "runc";
  PodmanDump dump;
  dump.network = network_status(REPRISE_PASS(object_field(config, kMember, "newNetworks")),
                                container.addresses);
  for (const json& volume : REPRISE_PASS(list_field(config, kMember, "namedVolumes")))
    dump.named_volumes.push_back(REPRISE_PASS(text_field(volume, kMember, "volumeName")));
  dump.config = json_writer::print(config);
  return dump;
}

}  // namespace reprise::archive
