// SPDX-License-Identifier: Apache-2.0
//
// What we need of an OCI bundle (config.json) and of what the user said in its annotations.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::container {

struct SpecMount {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
};

struct OciSpec {
  std::map<std::string, std::string> annotations;
  std::string root_path;             // absolute
  std::vector<std::string> command;  // argv of its init
  std::vector<SpecMount> mounts;
  std::string host_name;
  bool has_uts_namespace = false;              // one of its own, so that the host name is its own
  bool shares_ipc = false;                     // with other containers: --ipc container:NAME, pods
  bool has_network_namespace = false;          // false: the host's network
  std::string network_namespace_path;          // empty: made by runc
  std::map<std::string, std::string> sysctls;  // by their path below /proc/sys
};

// kCorrupt for text that is not an OCI configuration. Pure. `bundle` makes root.path absolute.
base::Result<OciSpec> parse_oci_spec(std::string_view text, const std::filesystem::path& bundle);
base::Result<OciSpec> load_oci_spec(const std::filesystem::path& bundle);

// Writes an annotation into the bundle's config.json, which runc copies into what it remembers.
base::Result<void> annotate(const std::filesystem::path& bundle, const std::string& name,
                            const std::string& value);

enum class IoUring : std::uint8_t { kDeny, kAllow };
enum class OnRestoreFailure : std::uint8_t { kFail, kStartCold };

// The user's wishes, from annotations:
//   reprise.dev/on-stop = checkpoint         opts in
//   reprise.dev/on-restore-failure = fail    (default) or cold
//   reprise.dev/io-uring = deny              (default) or allow
//   reprise.dev/freeze-limit = SECONDS       that a checkpoint may keep the tasks from running
//   reprise.dev/key = NAME                   the key (identity.h), instead of the container's id
//   reprise.dev/volumes = exclude            (default) or include: checkpoints have their contents
//   reprise.dev/fill-volumes = CHECKPOINT    by 'reprise restore': gets the volumes of this one
//   reprise.dev/restored-from = CHECKPOINT   by 'reprise restore': its first start is from this one
//   org.opencontainers.image.stopSignal      set by Podman from --stop-signal or the image
struct Wishes {
  bool checkpoint_on_stop = false;
  // A cold start cannot be taken back: it writes to the same files.
  OnRestoreFailure on_restore_failure = OnRestoreFailure::kFail;
  IoUring io_uring = IoUring::kDeny;
  bool include_volumes = false;
  std::string fill_volumes_from;
  std::string restored_from;
  // A dump takes about 1 s per GB, and the disk may take as long again: this allows for all that a
  // large host has, and still ends before anybody gives up on a drain.
  std::chrono::seconds freeze_limit{300};
  int stop_signal = 15;
};
// kInvalidInput for an unknown value, which names the annotation and what it can be.
base::Result<Wishes> parse_wishes(const std::map<std::string, std::string>& annotations);

// What somebody mistyped would be missed when it is too late, at a stop: kInvalidInput, with a hint
// that lists what there is, for names "reprise.dev/…" that are none of ours; as parse_wishes() for
// values.
base::Result<void> check_annotations(const std::map<std::string, std::string>& annotations);

// Its command as in /proc/PID/cmdline: each word ended by NUL.
std::string command_line(const OciSpec& spec);

// Bind mounts: CRIU does not save them, and a restore needs each of them under the same
// destination.
std::vector<std::string> external_mounts(const OciSpec& spec);

// The process whose network namespace it shares, where that is named by /proc/PID/ns/net (Podman's
// way); 0 if there is none.
pid_t network_keeper(const OciSpec& spec);

// The directory on the host that is mounted at /dev/shm, if it is a bind mount of one (Podman's
// way): its contents belong to the checkpoint, since Podman drops the tmpfs at every stop. Not so
// where it is shared with other containers, which go on using it.
std::optional<std::string> shm_directory(const OciSpec& spec);
// The same where it is shared with other containers.
std::optional<std::string> shared_shm_directory(const OciSpec& spec);

}  // namespace reprise::container
