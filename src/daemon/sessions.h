// SPDX-License-Identifier: Apache-2.0
//
// What the node's catalog says of the sessions of a pod's containers.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "daemon/checkpoint_object.h"

namespace reprise::daemon {

// How the stop of a container went, as far as it has: none has begun, or one runs (neither
// checkpoint nor `failed`), it was saved and has ended, or it was not saved.
struct StopState {
  bool begun = false;
  SavedContainer container;
  base::ContainerKey key;
};

// The newest stop of the container that lives under `name` in whatever scope; the key, made of the
// pod's UID, is no other container's.
base::Result<StopState> state_of_stop(catalog::Catalog& catalog, const std::string& container,
                                      const base::KeyName& name);

}  // namespace reprise::daemon
