// SPDX-License-Identifier: Apache-2.0
//
// One container at a time under a key that outlives containers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/identity.h"
#include "host/layout.h"
#include "oci/runtime.h"

namespace reprise::host {

// Notes that `who` has its key from now on, while this process (which becomes the runtime) or the
// container lives. The id of the container that has it, if another one does: then nothing is noted.
// Blocks for others that ask at the same time, briefly. An error says that it is not known.
base::Result<std::optional<base::ContainerId>> take_key(const Layout& layout, const Identity& who,
                                                        const oci::Runtime& runtime);

}  // namespace reprise::host
