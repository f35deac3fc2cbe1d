// SPDX-License-Identifier: Apache-2.0
//
// What users say of a container in its annotations. Each has its name here, and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace reprise::oci {

using Annotations = std::map<std::string, std::string>;

namespace annotation {

// Opts in: checkpoint, or signal (the default).
inline constexpr const char* kOnStop = "reprise.dev/on-stop";
// Of pods, opts in: checkpoint, or signal (the default), when the cluster takes away a pod that is
// made anew elsewhere (policy/ending.h); and when somebody deletes it.
inline constexpr const char* kOnDisruption = "reprise.dev/on-disruption";
inline constexpr const char* kOnDelete = "reprise.dev/on-delete";
// fail (the default) or cold.
inline constexpr const char* kOnRestoreFailure = "reprise.dev/on-restore-failure";
// deny (the default) or allow: calls whose objects cannot be saved.
inline constexpr const char* kIoUring = "reprise.dev/io-uring";
inline constexpr const char* kMultipathTcp = "reprise.dev/mptcp";
// Whole seconds that a checkpoint may keep the tasks from running.
inline constexpr const char* kFreezeLimit = "reprise.dev/freeze-limit";
// exclude (the default) or include: checkpoints have their contents.
inline constexpr const char* kVolumes = "reprise.dev/volumes";
// eager (the default) or lazy: whether the container runs before all of its memory is there.
inline constexpr const char* kRestore = "reprise.dev/restore";
// The key, instead of the container's id; empty: its id.
inline constexpr const char* kKey = "reprise.dev/key";
// Set by `reprise restore`: a checkpoint whose volumes the container gets at its first start.
inline constexpr const char* kFillVolumes = "reprise.dev/fill-volumes";
// Set by `reprise restore`: the checkpoint that its first start is from.
inline constexpr const char* kRestoredFrom = "reprise.dev/restored-from";
// Set by Podman from --stop-signal or the image.
inline constexpr const char* kStopSignal = "org.opencontainers.image.stopSignal";

}  // namespace annotation

enum class IoUring : std::uint8_t { kDeny, kAllow };
enum class OnRestoreFailure : std::uint8_t { kFail, kStartCold };

// The user's wishes.
struct Wishes {
  bool checkpoint_on_stop = false;
  bool checkpoint_on_disruption = false;  // of a pod, as checkpoint_on_delete
  bool checkpoint_on_delete = false;
  // A cold start cannot be taken back: it writes to the same files.
  OnRestoreFailure on_restore_failure = OnRestoreFailure::kFail;
  IoUring io_uring = IoUring::kDeny;
  bool include_volumes = false;
  bool restore_lazily = false;
  std::string fill_volumes_from;
  std::string restored_from;
  // A dump takes about 1 s per GB, and the disk may take as long again: this allows for all that a
  // large host has, and still ends before anybody gives up on a drain. Of pods at most 75 s.
  std::chrono::seconds freeze_limit{300};
  int stop_signal = 15;

  [[nodiscard]] bool opts_in() const {
    return checkpoint_on_stop || checkpoint_on_disruption || checkpoint_on_delete;
  }
};
// kInvalidInput for an unknown value, which names the annotation and what it can be.
base::Result<Wishes> parse_wishes(const Annotations& annotations);

// Whether the text of a config.json that load_spec() does not take, and runc may, opts in: who
// asked for checkpoints must not do without because of something else in it. Pure.
bool asks_for_checkpoints(std::string_view text);

// What somebody mistyped would be missed when it is too late, at a stop: kInvalidInput, with a hint
// that lists what there is, for names "reprise.dev/…" that are none of ours; as parse_wishes() for
// values.
base::Result<void> check_annotations(const Annotations& annotations);

// The key that they give; none if there is none, it is empty, or is no key, which
// check_annotations() refuses.
base::KeyName key_name(const Annotations& annotations);
// kInvalidInput for what is no key: 1 to 128 of [A-Za-z0-9_.:@-].
base::Result<void> check_key_name(std::string_view name);
// `text` with '_' for what may not be in a key.
std::string as_key_name(std::string text);

// Writes an annotation into the bundle's config.json, which runc copies into what it remembers.
base::Result<void> annotate(const std::filesystem::path& bundle, const std::string& name,
                            const std::string& value);

}  // namespace reprise::oci
