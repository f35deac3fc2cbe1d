// SPDX-License-Identifier: Apache-2.0
//
// The OCI runtime that does the work (runc), as one caller of ours was told to use it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "oci/state.h"

namespace reprise::oci {

// runc's, for root.
inline constexpr const char* kDefaultRoot = "/run/runc";

// The root that the global arguments of a call name (--root); else the default. Pure.
std::string root_of(const std::vector<std::string>& state_args);

// A value. What a container's processes become of its methods, runc decides; none of them is
// retried.
struct Runtime {
  std::filesystem::path program;
  // The global arguments that say where and how it keeps what it remembers: --root,
  // --systemd-cgroup.
  std::vector<std::string> state_args;

  // PROGRAM STATE_ARGS WORDS…
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& words) const;
  // Where it keeps what it remembers of a container.
  [[nodiscard]] std::filesystem::path directory_of(const base::ContainerId& id) const;
  // kNotFound if it does not know the container; kCorrupt as parse_state().
  [[nodiscard]] base::Result<State> state_of(const base::ContainerId& id) const;
  // Unmounts what `runc restore` mounts for CRIU (runc 1.1: `criu-root`) and leaves mounted when it
  // is killed: the container's root file system. Must come before any `delete` or `create` of the
  // container, which would remove the directory with all that it shows of that file system. No runc
  // or CRIU of the restore may be running.
  [[nodiscard]] base::Result<void> release_restore_root(const base::ContainerId& id) const;
  // The first line of what it says of its version; empty if it says nothing.
  [[nodiscard]] std::string version() const;
  // Sends a signal to the container's first process. Blocks, 20 s at most.
  [[nodiscard]] base::Result<void> kill(const base::ContainerId& id, int signal) const;
  // Ends what still runs of it, and forgets it. Blocks, no longer than `limit`.
  [[nodiscard]] base::Result<void> remove(const base::ContainerId& id,
                                          std::chrono::seconds limit) const;
};

}  // namespace reprise::oci
