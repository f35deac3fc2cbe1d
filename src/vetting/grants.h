// SPDX-License-Identifier: Apache-2.0
//
// What a container may have according to its config.json: with this the images of a checkpoint that
// somebody else made are compared.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/criu_tasks.h"

namespace reprise::vetting {

using base::Result;

struct GrantedMount {
  std::string place;
  std::string type;
  std::set<std::string> options;
  [[nodiscard]] bool is_bind() const;
};

struct GrantedDevice {
  char type = 'c';  // or 'b'
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  auto operator<=>(const GrantedDevice&) const = default;
};

struct Grants {
  std::uint64_t bounding = 0;      // capabilities by their numbers
  std::uint64_t capabilities = 0;  // in any of the five sets
  bool no_new_privs = false;
  std::uint64_t user = 0;
  std::set<std::uint64_t> groups;                 // all that its first process has
  std::map<unsigned, std::uint64_t> hard_limits;  // by number of the limit
  std::int64_t oom_score_adj = 0;
  std::string lsm_profile;  // AppArmor's or SELinux's; empty: none
  bool root_is_read_only = false;
  bool root_is_shared = false;  // what is mounted in it is seen outside, or the other way
  std::vector<GrantedMount> mounts;
  std::set<std::string> masked;                   // paths
  std::set<std::string> read_only;                // paths
  std::map<std::string, std::string> namespaces;  // "pid" … to the path of one that exists, or ""
  std::vector<image::CriuIdRange> user_ids;
  std::vector<image::CriuIdRange> group_ids;
  std::set<GrantedDevice> devices;
  std::set<std::string> device_paths;
  std::string cgroup;   // linux.cgroupsPath: a path, or systemd's SLICE:PREFIX:NAME
  std::string seccomp;  // linux.seccomp as JSON; empty: none

  [[nodiscard]] bool may(unsigned capability) const {
    return (capabilities >> capability & 1U) != 0;
  }
};

// The capabilities that decide about more than themselves.
inline constexpr unsigned kCapSetgid = 6;
inline constexpr unsigned kCapSetuid = 7;
inline constexpr unsigned kCapSetpcap = 8;
inline constexpr unsigned kCapNetRaw = 13;
inline constexpr unsigned kCapSysAdmin = 21;
inline constexpr unsigned kCapSysNice = 23;
inline constexpr unsigned kCapSysResource = 24;
inline constexpr unsigned kCapMknod = 27;

// "CAP_SYS_ADMIN"; "capability 63" for one that we have no name for.
std::string capability_name(unsigned capability);
// "RLIMIT_NOFILE"
std::string limit_name(unsigned limit);

// kCorrupt for text that is not an OCI configuration. Pure.
Result<Grants> parse_grants(std::string_view config);

}  // namespace reprise::vetting
