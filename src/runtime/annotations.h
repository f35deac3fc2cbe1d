// SPDX-License-Identifier: Apache-2.0
//
// What a container's annotations say to `create`.
#pragma once

#include <string>

#include "base/result.h"
#include "runtime/call.h"

namespace reprise::runtime {

// The directory of the container's config.json.
std::string bundle_of(const Call& call);

// kInvalidInput for annotations of ours that nobody would understand later. A bundle that cannot be
// read is left to runc: success.
base::Result<void> check_annotations(const Call& call);

// Whether we are root in a user namespace only (rootless Podman), or not even there: CRIU cannot
// save anything then.
bool is_rootless();
// Also on standard error, which is the container's: nobody reads the log of a start that succeeds,
// and Podman has no other way to hear of it.
void tell_about_rootless(const Call& call);

}  // namespace reprise::runtime
