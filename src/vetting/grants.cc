// SPDX-License-Identifier: Apache-2.0
#include "vetting/grants.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "json/reader.h"
#include "json/writer.h"

namespace reprise::vetting {

using base::ErrorCode;
using base::fail;
using nlohmann::json;

namespace {

// In the order of their numbers, as <linux/capability.h> and <asm-generic/resource.h> have them.
constexpr std::array<std::string_view, 41> kCapabilities = {"CHOWN",
                                                            "DAC_OVERRIDE",
                                                            "DAC_READ_SEARCH",
                                                            "FOWNER",
                                                            "FSETID",
                                                            "KILL",
                                                            "SETGID",
                                                            "SETUID",
                                                            "SETPCAP",
                                                            "LINUX_IMMUTABLE",
                                                            "NET_BIND_SERVICE",
                                                            "NET_BROADCAST",
                                                            "NET_ADMIN",
                                                            "NET_RAW",
                                                            "IPC_LOCK",
                                                            "IPC_OWNER",
                                                            "SYS_MODULE",
                                                            "SYS_RAWIO",
                                                            "SYS_CHROOT",
                                                            "SYS_PTRACE",
                                                            "SYS_PACCT",
                                                            "SYS_ADMIN",
                                                            "SYS_BOOT",
                                                            "SYS_NICE",
                                                            "SYS_RESOURCE",
                                                            "SYS_TIME",
                                                            "SYS_TTY_CONFIG",
                                                            "MKNOD",
                                                            "LEASE",
                                                            "AUDIT_WRITE",
                                                            "AUDIT_CONTROL",
                                                            "SETFCAP",
                                                            "MAC_OVERRIDE",
                                                            "MAC_ADMIN",
                                                            "SYSLOG",
                                                            "WAKE_ALARM",
                                                            "BLOCK_SUSPEND",
                                                            "AUDIT_READ",
                                                            "PERFMON",
                                                            "BPF",
                                                            "CHECKPOINT_RESTORE"};
constexpr std::array<std::string_view, 16> kLimits = {
    "CPU",     "FSIZE", "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
    "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};

std::uint64_t capability_set(const json& capabilities, const char* set) {
  std::uint64_t bits = 0;
  for (const json& item : capabilities.value(set, json::array())) {
    std::string_view name = item.get_ref<const std::string&>();
    if (name.starts_with("CAP_")) name.remove_prefix(4);
    const auto* const found = std::ranges::find(kCapabilities, name);
    // One that we do not know is granted to nobody.
    if (found != kCapabilities.end())
      bits |= std::uint64_t{1} << static_cast<unsigned>(found - kCapabilities.begin());
  }
  return bits;
}

void read_process(const json& process, Grants& grants) {
  const json capabilities = process.value("capabilities", json::object());
  grants.bounding = capability_set(capabilities, "bounding");
  grants.capabilities = grants.bounding;
  for (const char* set : {"effective", "permitted", "inheritable", "ambient"})
    grants.capabilities |= capability_set(capabilities, set);
  grants.no_new_privs = process.value("noNewPrivileges", false);
  const json user = process.value("user", json::object());
  grants.user = user.value("uid", std::uint64_t{0});
  grants.groups = {user.value("gid", std::uint64_t{0})};
  for (const json& group : user.value("additionalGids", json::array()))
    grants.groups.insert(group.get<std::uint64_t>());
  for (const json& limit : process.value("rlimits", json::array())) {
    std::string_view name = limit.at("type").get_ref<const std::string&>();
    if (name.starts_with("RLIMIT_")) name.remove_prefix(7);
    const auto* const found = std::ranges::find(kLimits, name);
    if (found != kLimits.end())
      grants.hard_limits[static_cast<unsigned>(found - kLimits.begin())] =
          limit.at("hard").get<std::uint64_t>();
  }
  grants.oom_score_adj = process.value("oomScoreAdj", std::int64_t{0});
  grants.lsm_profile = process.value("apparmorProfile", "");
  if (grants.lsm_profile.empty()) grants.lsm_profile = process.value("selinuxLabel", "");
}

std::vector<image::CriuIdRange> id_ranges(const json& list) {
  std::vector<image::CriuIdRange> ranges;
  for (const json& one : list)
    ranges.push_back({.inside = one.at("containerID").get<std::uint64_t>(),
                      .outside = one.at("hostID").get<std::uint64_t>(),
                      .count = one.at("size").get<std::uint64_t>()});
  return ranges;
}

void read_devices(const json& list, Grants& grants) {
  // What runc gives to every container.
  for (const std::uint64_t minor : {3U, 5U, 7U, 8U, 9U})
    grants.devices.insert({.type = 'c', .major = 1, .minor = minor});
  for (const std::uint64_t minor : {0U, 1U, 2U})
    grants.devices.insert({.type = 'c', .major = 5, .minor = minor});
  grants.device_paths = {"/dev/null", "/dev/zero",    "/dev/full",
                         "/dev/tty",  "/dev/urandom", "/dev/random"};
  for (const json& device : list) {
    grants.device_paths.insert(device.at("path").get<std::string>());
    grants.devices.insert({.type = device.value("type", "c") == "b" ? 'b' : 'c',
                           .major = device.value("major", std::uint64_t{0}),
                           .minor = device.value("minor", std::uint64_t{0})});
  }
}

void read_linux(const json& part, Grants& grants) {
  for (const json& ns : part.value("namespaces", json::array()))
    grants.namespaces[ns.at("type").get<std::string>()] = ns.value("path", "");
  for (const json& path : part.value("maskedPaths", json::array()))
    grants.masked.insert(path.get<std::string>());
  for (const json& path : part.value("readonlyPaths", json::array()))
    grants.read_only.insert(path.get<std::string>());
  grants.user_ids = id_ranges(part.value("uidMappings", json::array()));
  grants.group_ids = id_ranges(part.value("gidMappings", json::array()));
  const std::string propagation = part.value("rootfsPropagation", "");
  grants.root_is_shared = !propagation.empty() && !propagation.ends_with("private");
  read_devices(part.value("devices", json::array()), grants);
  grants.cgroup = part.value("cgroupsPath", "");
  if (part.contains("seccomp") && !part.at("seccomp").is_null())
    grants.seccomp = json_writer::print(part.at("seccomp"));
}

}  // namespace

bool GrantedMount::is_bind() const {
  return type == "bind" || options.contains("bind") || options.contains("rbind");
}

std::string capability_name(unsigned capability) {
  if (capability < kCapabilities.size()) return "CAP_" + std::string(kCapabilities.at(capability));
  return "capability " + std::to_string(capability);
}

std::string limit_name(unsigned limit) {
  if (limit < kLimits.size()) return "RLIMIT_" + std::string(kLimits.at(limit));
  return "limit " + std::to_string(limit);
}

Result<Grants> parse_grants(std::string_view config) {
  try {
    const json parsed = json_reader::parse(config);
    Grants grants;
    read_process(parsed.value("process", json::object()), grants);
    read_linux(parsed.value("linux", json::object()), grants);
    grants.root_is_read_only = parsed.value("root", json::object()).value("readonly", false);
    for (const json& mount : parsed.value("mounts", json::array())) {
      GrantedMount granted{.place = mount.at("destination").get<std::string>(),
                           .type = mount.value("type", ""),
                           .options = {}};
      for (const json& option : mount.value("options", json::array()))
        granted.options.insert(option.get<std::string>());
      grants.mounts.push_back(std::move(granted));
    }
    return grants;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("'config.json' is not an OCI configuration: ") + error.what());
  }
}

}  // namespace reprise::vetting
