// SPDX-License-Identifier: Apache-2.0
//
// What the node's catalog says of the sessions of a pod's containers.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "daemon/checkpoint_object.h"
#include "oci/cri.h"

namespace reprise::daemon {

// How the stop of a container went, as far as it has: none has begun, or one runs (neither
// checkpoint nor `failed`), it was saved and has ended, or it was not saved.
struct StopState {
  bool begun = false;
  SavedContainer container;
  base::ContainerKey key;
};

// Whether the key, in whatever scope, is that of a pod's container. Pure.
bool is_key_of(const base::ContainerKey& key, const oci::PodContainer& container);
// Whether what the row tells of was left by it: its name is what the wrapper noted. Pure.
bool is_of(const catalog::CheckpointRow& row, const oci::PodContainer& container);

// The newest stop of the container, whose key, in whatever scope, is made of the pod's UID. Not
// saved is, too, what the catalog knows by another name: others may have said that it is this
// pod's.
base::Result<StopState> state_of_stop(catalog::Catalog& catalog,
                                      const oci::PodContainer& container);

// Drops the continuations from a checkpoint of all pods of which `is_there` says, by their UID,
// that they are no more: nobody else goes on by them, and they keep it from being freed.
base::Result<void> drop_of_gone_pods(catalog::Catalog& catalog, const base::CheckpointId& id,
                                     const std::function<bool(const std::string& uid)>& is_there);

// How a pod's container that was to go on from a checkpoint began.
struct Continued {
  enum class How : std::uint8_t { kNot, kResumed, kAnew } how = How::kNot;
  std::string why;           // it began anew, as its history says
  bool is_underway = false;  // a restore of it is running
};
base::Result<Continued> what_became_of(catalog::Catalog& catalog,
                                       const oci::PodContainer& container,
                                       const base::CheckpointId& from);

// Whether a pod's container may be running: it was begun, and its end is not noted, or a restore of
// it is running. One that could not be started has an end.
base::Result<bool> may_run(catalog::Catalog& catalog, const oci::PodContainer& container);

}  // namespace reprise::daemon
