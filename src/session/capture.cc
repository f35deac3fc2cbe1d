// SPDX-License-Identifier: Apache-2.0
#include "session/capture.h"

#include <filesystem>
#include <system_error>

#include "container/affinity.h"
#include "container/cgroup.h"
#include "container/file_tree.h"
#include "container/rootfs.h"
#include "container/shared_memory.h"
#include "image/part_names.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/outside.h"
#include "session/overlays.h"
#include "session/parts.h"
#include "session/pod.h"
#include "session/volumes.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

Result<void> capture_files(store::CheckpointWriter& writer, const oci::Spec& spec,
                           const oci::Wishes& wishes, const oci::State& state) {
  const auto upper = REPRISE_PASS(container::overlay_upper(spec.root_path));
  if (upper) {
    REPRISE_TRY(save_tree(writer, image::kRootfsPart, *upper),
                "saving changes of the root file system");
    REPRISE_PASS(sys::replace_file(REPRISE_PASS(writer.part(image::kRootfsIdentityPart)),
                                   REPRISE_PASS(container::identity_of_upper(*upper))));
  }
  std::error_code error;
  const auto shm = oci::shm_directory(spec);
  if (shm && !std::filesystem::is_empty(*shm, error)) {
    REPRISE_TRY(save_tree(writer, image::kShmPart, *shm), "saving '/dev/shm'");
  }
  REPRISE_PASS(capture_shared_memory(writer, spec));
  REPRISE_PASS(note_outside(writer, spec));
  REPRISE_PASS(capture_overlays(writer, spec));
  return capture_volumes(writer, spec, state.bundle,
                         wishes.include_volumes ? Volumes::kAll : Volumes::kOfPod);
}

Result<void> capture_affinity(store::CheckpointWriter& writer, const oci::State& state) {
  const std::string allowed = REPRISE_PASS(container::Cgroup(state.cgroup_paths).allowed_cpus());
  const auto pinned = container::pinned_threads("/proc", state.init.pid, allowed);
  if (pinned.empty()) return {};
  const auto part = REPRISE_PASS(writer.part(image::kAffinityPart));
  REPRISE_TRY(sys::replace_file(part, container::encode_affinity(pinned)), "saving CPU affinity");
  return {};
}

}  // namespace reprise::session
