// SPDX-License-Identifier: Apache-2.0
#include "podman/config_command.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "json/lenient.h"
#include "json/reader.h"
#include "json/writer.h"

namespace reprise::podman {
namespace {

using json_reader::child_of;
using json_reader::flag_in;
using json_reader::number_in;
using json_reader::text_in;
using json_reader::texts_of;
using nlohmann::json;
using Words = std::vector<std::string>;

// Collects options; those without a value to give are left out.
class Options {
 public:
  explicit Options(const json& config) : config_(config), spec_(child_of(config, "spec")) {}

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
    const json& list = child_of(child_of(spec_, "linux"), "namespaces");
    return list.is_array() &&
           std::ranges::any_of(list, [&](const json& one) { return text_in(one, "type") == type; });
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
  each("--annotation", child_of(spec_, "annotations"));
  each("--label", child_of(config_, "labels"));
  add("--hostname", text_in(spec_, "hostname"));
  add("--pod", text_in(config_, "pod"));
  add("--restart", text_in(config_, "restart_policy"));
  add_if(text_in(child_of(spec_, "annotations"), "io.podman.annotations.autoremove") == "TRUE",
         "--rm");
  add("--stop-signal", number_in(config_, "stopSignal"));
  add("--stop-timeout", number_in(config_, "stopTimeout"));
}

void Options::add_process() {
  const json& process = child_of(spec_, "process");
  add_each("--env", texts_of(child_of(process, "env")));
  add("--workdir", text_in(process, "cwd"));
  add("--user", text_in(config_, "user"));
  add_each("--group-add", texts_of(child_of(config_, "groups")));
  add("--umask", text_in(config_, "umask"));
  add("--tz", text_in(config_, "timezone"));
  add_if(flag_in(process, "terminal"), "--tty");
  add_if(flag_in(config_, "stdin"), "--interactive");
  const Words entrypoint = texts_of(child_of(config_, "entrypoint"));
  if (!entrypoint.empty()) add("--entrypoint", json_writer::print(json(entrypoint)));
}

void Options::add_files() {
  add_if(flag_in(child_of(spec_, "root"), "readonly"), "--read-only");
  add("--shm-size", number_in(config_, "shmSize"), "b");
  const Words asked_for = texts_of(child_of(config_, "userVolumes"));
  const json& mounts = child_of(spec_, "mounts");
  for (const json& mount : mounts.is_array() ? mounts : json::array()) {
    const std::string destination = text_in(mount, "destination");
    if (destination == "/run/podman-init") words.emplace_back("--init");
    if (std::ranges::find(asked_for, destination) == asked_for.end()) continue;
    const Words options = texts_of(child_of(mount, "options"));
    const bool read_only = std::ranges::find(options, "ro") != options.end();
    if (text_in(mount, "type") == "bind")
      add("--volume", text_in(mount, "source") + ":" + destination + (read_only ? ":ro" : ""));
    if (text_in(mount, "type") == "tmpfs") add("--tmpfs", destination);
  }
  const json& named = child_of(config_, "namedVolumes");
  for (const json& volume : named.is_array() ? named : json::array()) {
    const Words options = texts_of(child_of(volume, "options"));
    const bool read_only = std::ranges::find(options, "ro") != options.end();
    const std::string name =
        flag_in(volume, "isAnonymous") ? "" : text_in(volume, "volumeName") + ":";
    add("--volume", name + text_in(volume, "dest") + (read_only ? ":ro" : ""));
  }
  const json& overlays = child_of(config_, "overlayVolumes");
  for (const json& volume : overlays.is_array() ? overlays : json::array())
    add("--volume", text_in(volume, "source") + ":" + text_in(volume, "dest") + ":O");
}

void Options::add_network() {
  const std::string mode = text_in(config_, "networkMode");
  const std::string other = text_in(config_, "netNsCtr");
  const json& networks = child_of(config_, "newNetworks");
  if (!other.empty()) {
    add("--network", "container:" + other);
  } else if (networks.is_object() && !networks.empty()) {
    for (const auto& [name, wanted] : networks.items()) {
      std::string options;
      for (const std::string& address : texts_of(child_of(wanted, "static_ips")))
        options += (options.empty() ? ":ip=" : ",ip=") + address;
      add("--network", name + options);
    }
  } else {
    add("--network", mode);
  }
  const json& ports = child_of(config_, "newPortMappings");
  for (const json& port : ports.is_array() ? ports : json::array()) {
    const auto range = [&](std::int64_t first) {
      const std::int64_t last = first + std::max<std::int64_t>(number_in(port, "range"), 1) - 1;
      return std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    };
    const std::string protocol = text_in(port, "protocol");
    std::string ip = text_in(port, "host_ip");
    if (ip.find(':') != std::string::npos) ip = "[" + ip + "]";
    add("--publish", (ip.empty() ? "" : ip + ":") + range(number_in(port, "host_port")) + ":" +
                         range(number_in(port, "container_port")) +
                         (protocol.empty() ? "" : "/" + protocol));
  }
  add_each("--dns", texts_of(child_of(config_, "dnsServer")));
  add_each("--dns-search", texts_of(child_of(config_, "dnsSearch")));
  add_each("--dns-option", texts_of(child_of(config_, "dnsOption")));
  add_each("--add-host", texts_of(child_of(config_, "hostsAdd")));
  constexpr std::array<std::pair<const char*, const char*>, 3> kNamespaces = {
      {{"pid", "pidNsCtr"}, {"ipc", "ipcNsCtr"}, {"uts", "utsNsCtr"}}};
  for (const auto& [type, from] : kNamespaces) {
    const std::string option = std::string("--") + type;
    if (const std::string container = text_in(config_, from); !container.empty())
      add(option, "container:" + container);
    else if (!has_namespace(type))
      add(option, "host");
  }
}

void Options::add_limits() {
  const json& resources = child_of(child_of(spec_, "linux"), "resources");
  const json& memory = child_of(resources, "memory");
  add("--memory", number_in(memory, "limit"), "b");
  if (number_in(memory, "swap") != 0)
    add("--memory-swap", number_in(memory, "swap") < 0
                             ? std::string("-1")
                             : std::to_string(number_in(memory, "swap")) + "b");
  add("--memory-reservation", number_in(memory, "reservation"), "b");
  const json& cpu = child_of(resources, "cpu");
  add("--cpu-shares", number_in(cpu, "shares"));
  add("--cpu-quota", number_in(cpu, "quota"));
  add("--cpu-period", number_in(cpu, "period"));
  add("--cpuset-cpus", text_in(cpu, "cpus"));
  add("--cpuset-mems", text_in(cpu, "mems"));
  add("--pids-limit", number_in(child_of(resources, "pids"), "limit"));
  const json& limits = child_of(child_of(spec_, "process"), "rlimits");
  constexpr std::string_view kPrefix = "RLIMIT_";
  for (const json& limit : limits.is_array() ? limits : json::array()) {
    std::string name = text_in(limit, "type");
    if (!name.starts_with(kPrefix)) continue;
    name.erase(0, kPrefix.size());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    add("--ulimit", name + "=" + json_writer::print(child_of(limit, "soft")) + ":" +
                        json_writer::print(child_of(limit, "hard")));
  }
}

void Options::add_rights() {
  const json& process = child_of(spec_, "process");
  if (flag_in(config_, "privileged")) {
    words.emplace_back("--privileged");
    return;
  }
  add("--cap-drop", "all");
  add_each("--cap-add", texts_of(child_of(child_of(process, "capabilities"), "bounding")));
  if (!child_of(child_of(spec_, "linux"), "seccomp").is_object())
    add("--security-opt", "seccomp=unconfined");
  if (flag_in(process, "noNewPrivileges")) add("--security-opt", "no-new-privileges");
  const json& devices = child_of(child_of(spec_, "linux"), "devices");
  for (const json& device : devices.is_array() ? devices : json::array())
    add("--device", text_in(device, "path"));
  const json& sysctls = child_of(child_of(spec_, "linux"), "sysctl");
  if (sysctls.is_object())
    for (const auto& [name, value] : sysctls.items())
      if (value.is_string() && name != "net.ipv4.ping_group_range")  // Podman's default
        add("--sysctl", name + "=" + value.get<std::string>());
}

void Options::add_health() {
  const json& health = child_of(config_, "healthcheck");
  const Words test = texts_of(child_of(health, "Test"));
  if (test.empty()) return;
  if (test.front() == "NONE") {
    words.emplace_back("--no-healthcheck");
    return;
  }
  add("--health-cmd", json_writer::print(json(test)));
  add("--health-interval", number_in(health, "Interval"), "ns");
  add("--health-timeout", number_in(health, "Timeout"), "ns");
  add("--health-start-period", number_in(health, "StartPeriod"), "ns");
  add("--health-retries", number_in(health, "Retries"));
}

}  // namespace

std::vector<std::string> command_of_config(std::string_view json_text) {
  const json config = json_reader::parse_or_discarded(json_text);
  const std::string image = text_in(config, "rootfsImageID");
  if (image.empty()) return {};
  Words words = {"podman"};
  if (const std::string runtime = text_in(config, "runtime"); !runtime.empty())
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
  const Words command = texts_of(child_of(config, "command"));
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

}  // namespace reprise::podman
