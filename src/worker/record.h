// SPDX-License-Identifier: Apache-2.0
//
// What a session keeps of its container, so that it can be made anew once it is gone.
#pragma once

#include <string>

#include "base/result.h"
#include "session/context.h"

namespace reprise::worker {

// Keeps the command that made the container of a checkpoint, and returns its name. Calls no
// Podman, which may hold the container's lock until this session is done. Containers that are not
// Podman's have neither: success, and an empty name.
base::Result<std::string> record_container(session::Context& context);

}  // namespace reprise::worker
