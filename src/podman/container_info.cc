// SPDX-License-Identifier: Apache-2.0
#include "podman/container_info.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "json/lenient.h"
#include "json/reader.h"
#include "podman/config_command.h"

namespace reprise::podman {

using base::ErrorCode;
using base::fail;
using json_reader::child_of;
using json_reader::flag_in;
using json_reader::named_texts_of;
using json_reader::number_in;
using json_reader::text_in;
using json_reader::texts_of;
using nlohmann::json;

namespace {

std::vector<Mount> mounts_of(const json& object) {
  std::vector<Mount> result;
  const json& list = child_of(object, "Mounts");
  if (!list.is_array()) return result;
  for (const json& item : list)
    result.push_back({.type = text_in(item, "Type"),
                      .name = text_in(item, "Name"),
                      .source = text_in(item, "Source"),
                      .destination = text_in(item, "Destination"),
                      .writable = !child_of(item, "RW").is_boolean() || flag_in(item, "RW")});
  return result;
}

ContainerInfo container_of(const json& object) {
  const json& state = child_of(object, "State");
  const json& config = child_of(object, "Config");
  const json& host = child_of(object, "HostConfig");
  return ContainerInfo{
      .id = text_in(object, "Id"),
      .name = text_in(object, "Name"),
      .status = text_in(state, "Status"),
      .pid = static_cast<int>(number_in(state, "Pid", 0)),
      .exit_code = static_cast<int>(number_in(state, "ExitCode", 0)),
      .out_of_memory = flag_in(state, "OOMKilled"),
      .created = parse_time(text_in(object, "Created")),
      .started = parse_time(text_in(state, "StartedAt")),
      .finished = parse_time(text_in(state, "FinishedAt")),
      .image_name = text_in(object, "ImageName"),
      .image_id = text_in(object, "Image"),
      .oci_runtime = text_in(object, "OCIRuntime"),
      .create_command = texts_of(child_of(config, "CreateCommand")),
      .command = texts_of(child_of(config, "Cmd")),
      .mounts = mounts_of(object),
      .annotations = named_texts_of(child_of(config, "Annotations")),
      .directory = text_in(object, "StaticDir"),
      .labels = named_texts_of(child_of(config, "Labels")),
      .config_path = text_in(object, "OCIConfigPath"),
      .restart_policy = text_in(child_of(host, "RestartPolicy"), "Name"),
      .stop_timeout_s = static_cast<int>(number_in(config, "StopTimeout", 10)),
      .auto_remove = flag_in(host, "AutoRemove"),
      .terminal = flag_in(config, "Tty"),
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
    if (info.container().empty() || info.status.empty())
      return fail(ErrorCode::kCorrupt, "podman describes a container without 'Id' or 'State'");
    result.push_back(std::move(info));
  }
  return result;
}

Result<ContainerInfo> parse_container_config(std::string_view text) {
  const json object = json_reader::parse_or_discarded(text);
  ContainerInfo info{
      .id = text_in(object, "id"),
      .name = text_in(object, "name"),
      .image_name = text_in(object, "rootfsImageName"),
      .image_id = text_in(object, "rootfsImageID"),
      .oci_runtime = text_in(object, "runtime"),
      .create_command = texts_of(child_of(object, "CreateCommand")),
      .command = texts_of(child_of(object, "command")),
      .annotations = named_texts_of(child_of(child_of(object, "spec"), "annotations")),
      .labels = named_texts_of(child_of(object, "labels"))};
  // The API says what it wants in other words than a command's.
  if (info.create_command.empty()) info.create_command = command_of_config(text);
  if (info.container().empty())
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
