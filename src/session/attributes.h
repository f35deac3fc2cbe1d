// SPDX-License-Identifier: Apache-2.0
//
// What processes set on themselves and on their sockets, and the files of idle sockets on tmpfs:
// what CRIU does not keep. Read while all tasks stand still, and given back before they run on.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "attributes/process_attributes.h"
#include "base/result.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// `asked`: what the tasks told while they still ran. Each millisecond here is freeze time. No part
// is written where there is nothing unusual.
base::Result<void> capture_attributes(store::CheckpointWriter& writer, const oci::Spec& spec,
                                      const oci::State& state,
                                      const std::vector<attributes::ProcessAttribute>& asked);

// Before CRIU reads its images in directory `images`: makes it leave the files of sockets where it
// will look for them afterwards.
base::Result<void> prepare_images(store::CheckpointReader& reader,
                                  const std::filesystem::path& images);

// The tasks wait, and their sockets are live. Returns a line for each thing that could not be given
// back, which is no reason to end the tasks; an error where a part cannot be read.
base::Result<std::vector<std::string>> restore_attributes(store::CheckpointReader& reader,
                                                          pid_t init);

// The tasks run: those of which only they themselves can set something do so. Returns as before.
base::Result<std::vector<std::string>> inject_attributes(store::CheckpointReader& reader,
                                                         pid_t init);

}  // namespace reprise::session
