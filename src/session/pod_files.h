// SPDX-License-Identifier: Apache-2.0
//
// What the kubelet writes anew for each pod, and programs had open: laid beside what it wrote for
// the pod that takes their pod's place (container/pod_files.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// The tasks stand still. `watched`: paths that they watch. Nothing of a container of no pod.
base::Result<void> capture_pod_files(store::CheckpointWriter& writer, const Context& context,
                                     const oci::Spec& spec, const oci::State& state,
                                     const std::vector<std::string>& watched);

// Success also where they are there already. They stay when the restore fails, as long as the pod
// does; nobody else finds them, since no link leads there.
base::Result<void> fill_pod_files(const Context& context, store::CheckpointReader& reader,
                                  const oci::Spec& spec);

// Has a restore from these images take the files of the new pod (/etc/hosts) as they are, whatever
// size those of the old one had. kCorrupt for damaged images.
base::Result<void> mend_pod_files(const std::filesystem::path& images, const oci::Spec& spec);

}  // namespace reprise::session
