// SPDX-License-Identifier: Apache-2.0
//
// Under which key a container lives that others make anew each time (host/identity.h).
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "host/identity.h"
#include "oci/state.h"
#include "runtime/call.h"

namespace reprise::runtime {

struct Creation;

// Decides the key of a container that is about to be made, puts it into `creation` and, where it
// comes from labels, into the bundle's annotations, from which everything later takes it. kBusy,
// with a hint, if another container lives under a key that the user gave; under one from labels the
// container keeps its id as its key, which is told. The directories of the layout exist.
base::Result<void> settle_key(const Call& call, Creation& creation);

// What continues from its predecessor's checkpoint must be the same program: else nothing does, and
// why is said in `creation`. Of a container with a key of its own only.
base::Result<void> check_predecessor(const Call& call, catalog::Catalog& catalog,
                                     Creation& creation);

// The container as runc remembers it, or else as it was settled: its key is in the annotations.
// Without any, its id.
host::Identity with_key(const Call& call, host::Identity who);
// The same for whoever has asked runc already.
host::Identity with_key(const Call& call, host::Identity who,
                        const base::Result<oci::State>& state);

}  // namespace reprise::runtime
