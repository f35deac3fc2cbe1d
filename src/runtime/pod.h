// SPDX-License-Identifier: Apache-2.0
//
// Containers of Kubernetes' pods: their keys, and what the node's agent is asked about them.
// On a node without an agent everything goes as with runc.
#pragma once

#include <optional>

#include "base/id.h"
#include "catalog/catalog.h"
#include "host/identity.h"
#include "oci/state.h"
#include "runtime/call.h"
#include "runtime/restore_attempt.h"

namespace reprise::runtime {

// Puts the key of a pod's container into `creation` and the bundle's annotations, over whatever
// stands there. Errors as of settle_key().
base::Result<void> settle_pod_key(const Call& call, Creation& creation);

// Where the cluster has policies: writes what they want of the pod into the bundle's annotations,
// as if the pod said it. True if that was something. Without an answer a container goes by what its
// sandbox was told; for the sandbox it is an error, as of await_agent(), unless the pod says itself
// what it wants.
base::Result<bool> heed_policies(const Call& call, const Creation& creation);

// Both do nothing for a container of no pod.
//
// Asks the agent what a pod's container is to go on from, and waits while that is on its way. The
// catalog has it afterwards. An error if the container must not begin anew: what it goes on from is
// still on its way, or nobody knows of it because the agent that this node has is away. Without an
// agent it begins anew, which is told.
base::Result<void> await_agent(const Call& call, Creation& creation);

// Tells the agent how the `create` of a pod's container ended: `failed` is why it did, or null.
void tell_agent(const Call& call, const Creation& creation, const base::CheckpointId& resumed,
                const base::Error* failed);

// Before any cold start, and before anything is given up for it. kUnsupported, with a hint, where
// another container of the pod went on already, or is about to: one that began anew beside it would
// find, and change, files that are another's by now. Success for a container of no pod, for one
// that has run in this pod before (it is started again), and where the agent said that it may.
// `catalog` may be null: it is opened then, and an error where it cannot be.
base::Result<void> check_pod_whole(const Call& call, catalog::Catalog* catalog,
                                   const Creation& creation);

// Whether the agent wants a checkpoint of a pod's container instead of `signal`. Of another
// container: what its annotations say.
bool is_checkpoint_wanted(const Call& call, const host::Identity& who, const oci::State& state,
                          const oci::Wishes& wishes, int signal);

}  // namespace reprise::runtime
