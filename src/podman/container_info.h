// SPDX-License-Identifier: Apache-2.0
//
// What Podman knows of one container, as far as we need it.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace reprise::podman {

using base::Result;

struct Mount {
  std::string type;  // "bind", "volume", "tmpfs", …
  std::string name;  // of a volume
  std::string source;
  std::string destination;
  bool writable = true;
};

struct ContainerInfo {
  std::string id;  // 64 hex digits; container(), for who needs to know that it is one
  std::string name;
  std::string status;  // Podman's word: "created", "running", "paused", "exited", "stopping", …
  pid_t pid = 0;       // of the container's init, in the host's pid namespace; 0 if it does not run
  int exit_code = 0;   // of the last run
  bool out_of_memory = false;  // the kernel killed it for lack of memory, in the last run
  base::UnixMillis created = 0;
  base::UnixMillis started = 0;   // 0: never
  base::UnixMillis finished = 0;  // 0: never
  std::string image_name;         // with registry and tag; empty for `--rootfs`
  std::string image_id;
  std::string oci_runtime;  // a name from containers.conf, or a path
  // argv of `podman run` or `create`; empty if an API call made it.
  std::vector<std::string> create_command;
  std::vector<std::string> command;  // of the container: the user's, else the image's
  std::vector<Mount> mounts;         // that somebody asked for; not Podman's own
  std::map<std::string, std::string> annotations;
  std::string directory;  // of the container itself, which is its OCI bundle
  std::map<std::string, std::string> labels;
  std::string config_path;     // of the OCI configuration of its last start; empty: none
  std::string restart_policy;  // "no" or empty: none
  int stop_timeout_s = 10;
  bool auto_remove = false;  // --rm
  bool terminal = false;     // --tty

  // A container with tasks: running or paused.
  [[nodiscard]] base::ContainerId container() const {
    return base::ContainerId::parse(id).value_or(base::ContainerId());  // which we do not read
  }
  [[nodiscard]] bool has_tasks() const { return pid > 0; }
};

// The output of `podman container inspect`. Pure. kCorrupt for text that is not a JSON array of
// containers.
Result<std::vector<ContainerInfo>> parse_inspect(std::string_view json);

// Podman's own record of a container (libpod's ContainerConfig): what `inspect` says, without state
// and mounts. Pure. kCorrupt for text that is none.
Result<ContainerInfo> parse_container_config(std::string_view json);

// "2026-11-23T23:36:26.188283101Z", also with an offset like "+01:00". 0 for Podman's "never" (the
// year 1) and for text that is no time.
base::UnixMillis parse_time(std::string_view text);

}  // namespace reprise::podman
