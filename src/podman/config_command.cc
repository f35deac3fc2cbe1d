// SPDX-License-Identifier: Apache-2.0
#include "podman/config_command.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "json/writer.h"

namespace reprise::podman {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

// Absent fields read as null, whatever they are looked for in.
const json& at(const json& object, std::string_view key) {
  static const json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string text(const json& object, std::string_view key) {
  const json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number(const json& object, std::string_view key) {
  const json& value = at(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

bool flag(const json& object, std::string_view key) {
  const json& value = at(object, key);
  return value.is_boolean() && value.get<bool>();
}

Words texts(const json& list) {
  Words result;
  if (list.is_array())
    for (const json& item : list)
      if (item.is_string()) result.push_back(item.get<std::string>());
  return result;
}

// Collects options; those without a value to give are left out.
class Options {
 public:
  explicit Options(const json& config) : config_(config), spec_(at(config, "spec")) {}

  void add(const std::string& name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {name, value});
  }
  void add(const std::string& name, std::int64_t value, const std::string& unit = "") {
    if (value != 0) add(name, std::to_string(value) + unit);
  }
  void add_each(const std::string& name, const Words& values) {
    for (const std::string& value : values) add(name, value);
  }
  void add_if(bool wanted, const std::string& name) {
    if (wanted) words.push_back(name);
  }

  void add_names();
  void add_process();
  void add_files();
  void add_network();
  void add_limits();
  void add_rights();
  void add_health();

  Words words;

 private:
  [[nodiscard]] bool has_namespace(std::string_view type) const {
    const json& list = at(at(spec_, "linux"), "namespaces");
    return list.is_array() &&
           std::ranges::any_of(list, [&](const json& one) { return text(one, "type") == type; });
  }
  const json& config_;
  const json& spec_;
};

void Options::add_names() {
  const auto each = [&](const char* option, const json& map) {
    if (!map.is_object()) return;
    for (const auto& [name, value] : map.items())
      // What Podman notes for itself.
      if (value.is_string() && !name.starts_with("io.podman.") && name != "io.container.manager")
        add(option, name + "=" + value.get<std::string>());
  };
  each("--annotation", at(spec_, "annotations"));
  each("--label", at(config_, "labels"));
  add("--hostname", text(spec_, "hostname"));
  add("--pod", text(config_, "pod"));
  add("--restart", text(config_, "restart_policy"));
  add_if(text(at(spec_, "annotations"), "io.podman.annotations.autoremove") == "TRUE", "--rm");
  add("--stop-signal", number(config_, "stopSignal"));
  add("--stop-timeout", number(config_, "stopTimeout"));
}

void Options::add_process() {
  const json& process = at(spec_, "process");
  add_each("--env", texts(at(process, "env")));
  add("--workdir", text(process, "cwd"));
  add("--user", text(config_, "user"));
  add_each("--group-add", texts(at(config_, "groups")));
  add("--umask", text(config_, "umask"));
  add("--tz", text(config_, "timezone"));
  add_if(flag(process, "terminal"), "--tty");
  add_if(flag(config_, "stdin"), "--interactive");
  const Words entrypoint = texts(at(config_, "entrypoint"));
  if (!entrypoint.empty()) add("--entrypoint", json_writer::print(json(entrypoint)));
}

void Options::add_files() {
  add_if(flag(at(spec_, "root"), "readonly"), "--read-only");
  add("--shm-size", number(config_, "shmSize"), "b");
  const Words asked_for = texts(at(config_, "userVolumes"));
  const json& mounts = at(spec_, "mounts");
  for (const json& mount : mounts.is_array() ? mounts : json::array()) {
    const std::string destination = text(mount, "destination");
    if (destination == "/run/podman-init") words.emplace_back("--init");
    if (std::ranges::find(asked_for, destination) == asked_for.end()) continue;
    const Words options = texts(at(mount, "options"));
    const bool read_only = std::ranges::find(options, "ro") != options.end();
    if (text(mount, "type") == "bind")
      add("--volume", text(mount, "source") + ":" + destination + (read_only ? ":ro" : ""));
    if (text(mount, "type") == "tmpfs") add("--tmpfs", destination);
  }
  const json& named = at(config_, "namedVolumes");
  for (const json& volume : named.is_array() ? named : json::array()) {
    const Words options = texts(at(volume, "options"));
    const bool read_only = std::ranges::find(options, "ro") != options.end();
    const std::string name = flag(volume, "isAnonymous") ? "" : text(volume, "volumeName") + ":";
    add("--volume", name + text(volume, "dest") + (read_only ? ":ro" : ""));
  }
  const json& overlays = at(config_, "overlayVolumes");
  for (const json& volume : overlays.is_array() ? overlays : json::array())
    add("--volume", text(volume, "source") + ":" + text(volume, "dest") + ":O");
}

void Options::add_network() {
  const std::string mode = text(config_, "networkMode");
  const std::string other = text(config_, "netNsCtr");
  const json& networks = at(config_, "newNetworks");
  if (!other.empty()) {
    add("--network", "container:" + other);
  } else if (networks.is_object() && !networks.empty()) {
    for (const auto& [name, wanted] : networks.items()) {
      std::string options;
      for (const std::string& address : texts(at(wanted, "static_ips")))
        options += (options.empty() ? ":ip=" : ",ip=") + address;
      add("--network", name + options);
    }
  } else {
    add("--network", mode);
  }
  const json& ports = at(config_, "newPortMappings");
  for (const json& port : ports.is_array() ? ports : json::array()) {
    const auto range = [&](std::int64_t first) {
      const std::int64_t last = first + std::max<std::int64_t>(number(port, "range"), 1) - 1;
      return std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    };
    const std::string protocol = text(port, "protocol");
    std::string ip = text(port, "host_ip");
    if (ip.find(':') != std::string::npos) ip = "[" + ip + "]";
    add("--publish", (ip.empty() ? "" : ip + ":") + range(number(port, "host_port")) + ":" +
                         range(number(port, "container_port")) +
                         (protocol.empty() ? "" : "/" + protocol));
  }
  add_each("--dns", texts(at(config_, "dnsServer")));
  add_each("--dns-search", texts(at(config_, "dnsSearch")));
  add_each("--dns-option", texts(at(config_, "dnsOption")));
  add_each("--add-host", texts(at(config_, "hostsAdd")));
  constexpr std::array<std::pair<const char*, const char*>, 3> kNamespaces = {
      {{"pid", "pidNsCtr"}, {"ipc", "ipcNsCtr"}, {"uts", "utsNsCtr"}}};
  for (const auto& [type, from] : kNamespaces) {
    const std::string option = std::string("--") + type;
    if (const std::string container = text(config_, from); !container.empty())
      add(option, "container:" + container);
    else if (!has_namespace(type))
      add(option, "host");
  }
}

void Options::add_limits() {
  const json& resources = at(at(spec_, "linux"), "resources");
  const json& memory = at(resources, "memory");
  add("--memory", number(memory, "limit"), "b");
  if (number(memory, "swap") != 0)
    add("--memory-swap", number(memory, "swap") < 0 ? std::string("-1")
                                                    : std::to_string(number(memory, "swap")) + "b");
  add("--memory-reservation", number(memory, "reservation"), "b");
  const json& cpu = at(resources, "cpu");
  add("--cpu-shares", number(cpu, "shares"));
  add("--cpu-quota", number(cpu, "quota"));
  add("--cpu-period", number(cpu, "period"));
  add("--cpuset-cpus", text(cpu, "cpus"));
  add("--cpuset-mems", text(cpu, "mems"));
  add("--pids-limit", number(at(resources, "pids"), "limit"));
  const json& limits = at(at(spec_, "process"), "rlimits");
  constexpr std::string_view kPrefix = "RLIMIT_";
  for (const json& limit : limits.is_array() ? limits : json::array()) {
    std::string name = text(limit, "type");
    if (!name.starts_with(kPrefix)) continue;
    name.erase(0, kPrefix.size());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    add("--ulimit", name + "=" + json_writer::print(at(limit, "soft")) + ":" +
                        json_writer::print(at(limit, "hard")));
  }
}

void Options::add_rights() {
  const json& process = at(spec_, "process");
  if (flag(config_, "privileged")) {
    words.emplace_back("--privileged");
    return;
  }
  add("--cap-drop", "all");
  add_each("--cap-add", texts(at(at(process, "capabilities"), "bounding")));
  if (!at(at(spec_, "linux"), "seccomp").is_object()) add("--security-opt", "seccomp=unconfined");
  if (flag(process, "noNewPrivileges")) add("--security-opt", "no-new-privileges");
  const json& devices = at(at(spec_, "linux"), "devices");
  for (const json& device : devices.is_array() ? devices : json::array())
    add("--device", text(device, "path"));
  const json& sysctls = at(at(spec_, "linux"), "sysctl");
  if (sysctls.is_object())
    for (const auto& [name, value] : sysctls.items())
      if (value.is_string() && name != "net.ipv4.ping_group_range")  // Podman's default
        add("--sysctl", name + "=" + value.get<std::string>());
}

void Options::add_health() {
  const json& health = at(config_, "healthcheck");
  const Words test = texts(at(health, "Test"));
  if (test.empty()) return;
  if (test.front() == "NONE") {
    words.emplace_back("--no-healthcheck");
    return;
  }
  add("--health-cmd", json_writer::print(json(test)));
  add("--health-interval", number(health, "Interval"), "ns");
  add("--health-timeout", number(health, "Timeout"), "ns");
  add("--health-start-period", number(health, "StartPeriod"), "ns");
  add("--health-retries", number(health, "Retries"));
}

}  // namespace

std::vector<std::string> command_of_config(std::string_view json_text) {
  const json config = json_reader::parse_or_discarded(json_text);
  const std::string image = text(config, "rootfsImageID");
  if (image.empty()) return {};
  Words words = {"podman"};
  if (const std::string runtime = text(config, "runtime"); !runtime.empty())
    words.insert(words.end(), {"--runtime", runtime});
  words.emplace_back("create");
  Options options(config);
  options.add_names();
  options.add_process();
  options.add_files();
  options.add_network();
  options.add_limits();
  options.add_rights();
  options.add_health();
  words.insert(words.end(), options.words.begin(), options.words.end());
  words.emplace_back("--");
  words.push_back(image);
  const Words command = texts(at(config, "command"));
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

}  // namespace reprise::podman
