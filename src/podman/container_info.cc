// SPDX-License-Identifier: Apache-2.0
#include "podman/container_info.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "podman/config_command.h"

namespace reprise::podman {

using base::ErrorCode;
using base::fail;
using nlohmann::json;

namespace {

// Absent fields and fields of another type read as empty: Podman writes null for many of them, and
// which ones differs between versions.
const json& child_of(const json& object, const char* key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string string_of(const json& object, const char* key) {
  const json& value = child_of(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

int int_of(const json& object, const char* key, int fallback) {
  const json& value = child_of(object, key);
  return value.is_number_integer() ? value.get<int>() : fallback;
}

bool flag_of(const json& object, const char* key) {
  const json& value = child_of(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> strings_of(const json& object, const char* key) {
  std::vector<std::string> result;
  const json& value = child_of(object, key);
  if (!value.is_array()) return result;
  for (const json& item : value)
    if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

std::map<std::string, std::string> string_map_of(const json& object, const char* key) {
  std::map<std::string, std::string> result;
  const json& value = child_of(object, key);
  if (!value.is_object()) return result;
  for (const auto& [name, item] : value.items())
    if (item.is_string()) result.emplace(name, item.get<std::string>());
  return result;
}

std::vector<Mount> mounts_of(const json& object) {
  std::vector<Mount> result;
  const json& list = child_of(object, "Mounts");
  if (!list.is_array()) return result;
  for (const json& item : list)
    result.push_back({.type = string_of(item, "Type"),
                      .name = string_of(item, "Name"),
                      .source = string_of(item, "Source"),
                      .destination = string_of(item, "Destination"),
                      .writable = !child_of(item, "RW").is_boolean() || flag_of(item, "RW")});
  return result;
}

ContainerInfo container_of(const json& object) {
  const json& state = child_of(object, "State");
  const json& config = child_of(object, "Config");
  const json& host = child_of(object, "HostConfig");
  return ContainerInfo{
      .id = string_of(object, "Id"),
      .name = string_of(object, "Name"),
      .status = string_of(state, "Status"),
      .pid = int_of(state, "Pid", 0),
      .exit_code = int_of(state, "ExitCode", 0),
      .out_of_memory = flag_of(state, "OOMKilled"),
      .created = parse_time(string_of(object, "Created")),
      .started = parse_time(string_of(state, "StartedAt")),
      .finished = parse_time(string_of(state, "FinishedAt")),
      .image_name = string_of(object, "ImageName"),
      .image_id = string_of(object, "Image"),
      .oci_runtime = string_of(object, "OCIRuntime"),
      .create_command = strings_of(config, "CreateCommand"),
      .command = strings_of(config, "Cmd"),
      .mounts = mounts_of(object),
      .annotations = string_map_of(config, "Annotations"),
      .directory = string_of(object, "StaticDir"),
      .labels = string_map_of(config, "Labels"),
      .config_path = string_of(object, "OCIConfigPath"),
      .restart_policy = string_of(child_of(host, "RestartPolicy"), "Name"),
      .stop_timeout_s = int_of(config, "StopTimeout", 10),
      .auto_remove = flag_of(host, "AutoRemove"),
      .terminal = flag_of(config, "Tty"),
  };
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits after the seconds, as milliseconds; removes them from `rest`.
int take_fraction(std::string_view& rest) {
  if (rest.empty() || rest.front() != '.') return 0;
  rest.remove_prefix(1);
  int millis = 0;
  for (int weight = 100; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1)) {
    millis += (rest.front() - '0') * weight;
    weight /= 10;
  }
  return millis;
}

// "+01:00" in seconds east of UTC; anything else counts as UTC.
int offset_seconds(std::string_view zone) {
  if (zone.size() < 6 || (zone[0] != '+' && zone[0] != '-')) return 0;
  for (const std::size_t i : {1U, 2U, 4U, 5U})
    if (!is_digit(zone[i])) return 0;
  const int hours = (zone[1] - '0') * 10 + (zone[2] - '0');
  const int minutes = (zone[4] - '0') * 10 + (zone[5] - '0');
  const int seconds = hours * 3600 + minutes * 60;
  return zone[0] == '-' ? -seconds : seconds;
}

}  // namespace

Result<std::vector<ContainerInfo>> parse_inspect(std::string_view text) {
  const json document = json_reader::parse_or_discarded(text);
  if (!document.is_array())
    return fail(ErrorCode::kCorrupt, "podman's description of a container is not a JSON array");
  std::vector<ContainerInfo> result;
  for (const json& object : document) {
    ContainerInfo info = container_of(object);
    if (info.id.empty() || info.status.empty())
      return fail(ErrorCode::kCorrupt, "podman describes a container without 'Id' or 'State'");
    result.push_back(std::move(info));
  }
  return result;
}

Result<ContainerInfo> parse_container_config(std::string_view text) {
  const json object = json_reader::parse_or_discarded(text);
  ContainerInfo info{.id = string_of(object, "id"),
                     .name = string_of(object, "name"),
                     .image_name = string_of(object, "rootfsImageName"),
                     .image_id = string_of(object, "rootfsImageID"),
                     .oci_runtime = string_of(object, "runtime"),
                     .create_command = strings_of(object, "CreateCommand"),
                     .command = strings_of(object, "command"),
                     .annotations = string_map_of(child_of(object, "spec"), "annotations"),
                     .labels = string_map_of(object, "labels")};
  // The API says what it wants in other words than a command's.
  if (info.create_command.empty()) info.create_command = command_of_config(text);
  if (info.id.empty())
    return fail(ErrorCode::kCorrupt, "podman's record of a container has no 'id'");
  return info;
}

base::UnixMillis parse_time(std::string_view text) {
  constexpr std::size_t kSeconds = std::string_view("2026-11-23T23:36:26").size();
  const std::string seconds(text.substr(0, kSeconds));
  std::tm parts{};
  const char* end = ::strptime(seconds.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || *end != '\0' || parts.tm_year < 70) return 0;
  std::string_view rest = text.substr(kSeconds);
  const int millis = take_fraction(rest);
  return (::timegm(&parts) - offset_seconds(rest)) * 1000 + millis;
}

}  // namespace reprise::podman
