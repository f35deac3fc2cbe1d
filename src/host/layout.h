// SPDX-License-Identifier: Apache-2.0
//
// Where things are on this host, and the limits that all our processes share.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "host/identity.h"
#include "sys/environment.h"

namespace reprise::host {

// The environment (REPRISE_RUN, REPRISE_RUNC) may put things elsewhere, as tests do; the defaults
// are what a user has.
struct Layout {
  std::filesystem::path store;  // /var/lib/reprise: survives a reboot
  std::filesystem::path run;    // /run/reprise: locks and markers, meaningless after a reboot
  // The OCI runtime that does the work: `programs/runc` beside our program, or the host's.
  std::filesystem::path runc;

  static Layout of(const std::filesystem::path& store, const sys::Environment& environment);

  // One operation at a time on a container: held by the session, waited for by SIGKILL.
  [[nodiscard]] std::filesystem::path lock_of(const Identity& who) const;
  // Exists while a container that opted in has a life that has not ended. Holds the pid of the
  // process whose network namespace it shares, if that is how its specification names it.
  [[nodiscard]] std::filesystem::path marker_of(const Identity& who) const;
  // Exists from the restore of a container until its `start`.
  [[nodiscard]] std::filesystem::path restored_marker_of(const Identity& who) const;
  // Exists while a restore of a container is under way: if it is killed, it may leave the root file
  // system mounted where runc removes files.
  [[nodiscard]] std::filesystem::path restoring_marker_of(const Identity& who) const;
  // Exists while the memory of a restored container is still being filled in (filling.h).
  [[nodiscard]] std::filesystem::path filling_of(const Identity& who) const;
  // How the container's network was before its program began (network_baseline.h).
  [[nodiscard]] std::filesystem::path network_baseline_of(const Identity& who) const;
  // By the names of their locks and markers: the containers that opted in and share the network
  // namespace of process `keeper` (a pod's infra container).
  // An error if that is not known of one of them.
  [[nodiscard]] base::Result<std::vector<std::string>> members_of(pid_t keeper) const;
  // Whether a session of such a container is under way, or may be. Takes its lock for a moment.
  [[nodiscard]] bool is_in_session(const std::string& file_name) const;
  // The configuration as a `create` understood it last (config::load_standing()).
  [[nodiscard]] std::filesystem::path kept_configuration() const;
  // Which container has a key that outlives containers (identity.h), while it has it.
  [[nodiscard]] std::filesystem::path holder_of(const base::ContainerKey& key) const;
  // CRIU's logs and our own of one session; kept for `reprise logs`.
  [[nodiscard]] std::filesystem::path session_directory(const base::SessionId& id) const;
  // What one session needs while it lasts: its sockets, its note, its undo journal.
  [[nodiscard]] std::filesystem::path session_run_directory(const base::SessionId& id) const;

  // Makes the directories below `run` that do not exist yet, mode 0700. Never the store.
  [[nodiscard]] base::Result<void> create() const;
};

// A worker is beside the calling executable, or where it is installed.
base::Result<std::filesystem::path> find_worker();

}  // namespace reprise::host
