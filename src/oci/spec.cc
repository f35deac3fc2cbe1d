// SPDX-License-Identifier: Apache-2.0
#include "oci/spec.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "oci/cgroups_path.h"
#include "sys/files.h"

namespace reprise::oci {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

// As deep as the text may be (json_reader::kMaxDepth).
void drop_nulls(json& value) {
  if (value.is_object()) {
    for (auto field = value.begin(); field != value.end();)
      field = field->is_null() ? value.erase(field) : std::next(field);
  }
  if (!value.is_structured()) return;
  for (json& part : value) drop_nulls(part);
}

Spec read_spec(const json& config, const std::filesystem::path& bundle) {
  Spec spec;
  spec.annotations = config.value("annotations", std::map<std::string, std::string>{});
  spec.root_path = (bundle / config.at("root").at("path").get<std::string>()).string();
  spec.command = config.value("process", json::object()).value("args", std::vector<std::string>{});
  for (const json& mount : config.value("mounts", json::array()))
    spec.mounts.push_back({.destination = mount.at("destination").get<std::string>(),
                           .type = mount.value("type", ""),
                           .source = mount.value("source", ""),
                           .options = mount.value("options", std::vector<std::string>{})});
  spec.host_name = config.value("hostname", "");
  const json linux_part = config.value("linux", json::object());
  spec.cgroup = cgroup_directory(linux_part.value("cgroupsPath", ""));
  for (const auto& [name, value] : linux_part.value("sysctl", std::map<std::string, std::string>{}))
    spec.sysctls.emplace(sysctl_path(name), value);
  for (const json& ns : linux_part.value("namespaces", json::array())) {
    if (ns.at("type") == "ipc") spec.shares_ipc = !ns.value("path", "").empty();
    if (ns.at("type") == "uts") spec.has_uts_namespace = ns.value("path", "").empty();
    if (ns.at("type") != "network") continue;
    spec.has_network_namespace = true;
    spec.network_namespace_path = ns.value("path", "");
  }
  return spec;
}

std::optional<std::string> mounted_shm(const Spec& spec) {
  for (const Mount& mount : spec.mounts)
    if (mount.destination == "/dev/shm" && mount.type == "bind" && mount.source != "/dev/shm")
      return mount.source;  // "/dev/shm" itself: --ipc=host, which is not the container's
  return std::nullopt;
}

}  // namespace

Result<Spec> parse_spec(std::string_view text, const std::filesystem::path& bundle) {
  const std::string file = "'" + (bundle / "config.json").string() + "'";
  if (json_reader::is_too_deep(text))
    return std::unexpected(
        base::Error(ErrorCode::kCorrupt, file + " is nested too deep: more than " +
                                             std::to_string(json_reader::kMaxDepth) +
                                             " lists and objects in each other")
            .with_hint("take out what an OCI configuration does not need: engines and their hooks "
                       "write a dozen at most"));
  try {
    json config = json_reader::parse(text);
    drop_nulls(config);
    return read_spec(config, bundle);
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt, file + " is not an OCI configuration: " + error.what());
  }
}

Result<Spec> load_spec(const std::filesystem::path& bundle) {
  const std::string text = REPRISE_PASS(sys::read_file(bundle / "config.json"));
  return parse_spec(text, bundle);
}

std::string sysctl_path(std::string_view name) {
  std::string path(name);
  const std::size_t first = path.find_first_of("./");
  if (first == std::string::npos || path[first] == '/') return path;
  for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return path;
}

std::string command_line(const Spec& spec) {
  std::string line;
  for (const std::string& word : spec.command) (line += word) += '\0';
  return line;
}

std::vector<std::string> external_mounts(const Spec& spec) {
  std::vector<std::string> destinations;
  for (const Mount& mount : spec.mounts)
    if (mount.type == "bind") destinations.push_back(mount.destination);
  std::ranges::sort(destinations);
  return destinations;
}

pid_t network_keeper(const Spec& spec) {
  constexpr std::string_view kProc = "/proc/";
  constexpr std::string_view kNetwork = "/ns/net";
  std::string_view pid = spec.network_namespace_path;
  if (!pid.starts_with(kProc) || !pid.ends_with(kNetwork)) return 0;
  pid.remove_prefix(kProc.size());
  pid.remove_suffix(kNetwork.size());
  pid_t keeper = 0;
  const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), keeper);
  return error == std::errc() && end == pid.data() + pid.size() ? keeper : 0;
}

std::optional<std::string> shm_directory(const Spec& spec) {
  return spec.shares_ipc ? std::nullopt : mounted_shm(spec);
}

std::optional<std::string> shared_shm_directory(const Spec& spec) {
  return spec.shares_ipc ? mounted_shm(spec) : std::nullopt;
}

}  // namespace reprise::oci
