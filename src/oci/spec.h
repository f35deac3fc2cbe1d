// SPDX-License-Identifier: Apache-2.0
//
// What we need of an OCI bundle (config.json).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::oci {

struct Mount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
};

struct Spec {
  std::map<std::string, std::string> annotations;
  std::string root_path;             // absolute
  std::vector<std::string> command;  // argv of its init
  std::vector<Mount> mounts;
  std::string host_name;
  std::string cgroup;  // its directory in each hierarchy; empty: not known (cgroups_path.h)
  bool has_uts_namespace = false;              // one of its own, so that the host name is its own
  bool shares_ipc = false;                     // with other containers: --ipc container:NAME, pods
  bool has_network_namespace = false;          // false: the host's network
  std::string network_namespace_path;          // empty: made by runc
  std::map<std::string, std::string> sysctls;  // by their path below /proc/sys
};

// kCorrupt for text that is not an OCI configuration, or nested too deep; null is as good as
// nothing, as it is to runc. Pure. `bundle` makes root.path absolute.
base::Result<Spec> parse_spec(std::string_view text, const std::filesystem::path& bundle);
base::Result<Spec> load_spec(const std::filesystem::path& bundle);

// Pure: the path below /proc/sys of a setting as specifications name it ("net.ipv4.ip_forward"). As
// sysctl(8), a name whose first separator is a slash is a path already.
std::string sysctl_path(std::string_view name);

// Its command as in /proc/PID/cmdline: each word ended by NUL.
std::string command_line(const Spec& spec);

// Bind mounts: CRIU does not save them, and a restore needs each of them under the same
// destination.
std::vector<std::string> external_mounts(const Spec& spec);

// The process whose network namespace it shares, where that is named by /proc/PID/ns/net (Podman's
// way); 0 if there is none.
pid_t network_keeper(const Spec& spec);

// The directory on the host that is mounted at /dev/shm, if it is a bind mount of one (Podman's
// way): its contents belong to the checkpoint, since Podman drops the tmpfs at every stop. Not so
// where it is shared with other containers, which go on using it.
std::optional<std::string> shm_directory(const Spec& spec);
// The same where it is shared with other containers.
std::optional<std::string> shared_shm_directory(const Spec& spec);

}  // namespace reprise::oci
