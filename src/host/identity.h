// SPDX-License-Identifier: Apache-2.0
//
// Who a container is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"

namespace reprise::host {

// Ids are unique below one root of the runtime only (`runc --root`), and each namespace of
// containerd has a root of its own: two of them may use one id.
struct Identity {
  base::ContainerId id;    // the runtime's
  base::ContainerKey key;  // outlives the id: checkpoints, claims and history hang on it
  std::string file_name;   // of locks and markers: one for each root and id, whatever the key is
};

// `key` as the name of a file.
std::string file_name_of(const base::ContainerKey& key);

// The one place that makes keys. Under Podman and plain runc the key is the id, under containerd
// "NAMESPACE/ID", below any other root "ROOT/ID". `state_args` as in oci/runtime.h. Pure.
Identity identify(const std::vector<std::string>& state_args, const base::ContainerId& id);

// The same for one with a name that outlives the container as well (annotation reprise.dev/key):
// its key is "@NAME", in the scope as above, which no id can be. None: as above.
Identity identify(const std::vector<std::string>& state_args, const base::ContainerId& id,
                  const base::KeyName& name);

// For a container that others make anew each time: a service of compose, a unit of systemd
// (quadlet, `podman generate systemd --new`); none if the labels name neither. `container`: its
// name. Pure.
base::KeyName default_key_name(const std::map<std::string, std::string>& labels,
                               const std::string& container);

// The other way round, for a container of which only the key is known; of one with a name the id is
// not known. Pure.
struct Whereabouts {
  base::ContainerId id;
  std::vector<std::string> state_args;
};
Whereabouts find_by_key(const base::ContainerKey& key);

}  // namespace reprise::host
