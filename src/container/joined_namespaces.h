// SPDX-License-Identifier: Apache-2.0
//
// Namespaces that a container joined (`--network container:NAME`, pods). runc remembers them by the
// process that made them, and does not checkpoint the container once that has ended, though the
// namespaces live on in the container itself.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "oci/runtime.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace reprise::container {

// Pure: `state_json`, runc's state of a container, with `path_of(type)`, e.g. "/proc/12/ns/net",
// for each namespace whose path is among `gone`. kCorrupt for text that is not runc's.
base::Result<std::string> with_paths_of_init(std::string_view state_json,
                                             const std::vector<std::string>& gone, pid_t init);

// Has runc know those that are gone by the container's own first process. Does nothing where all
// are there.
base::Result<void> mend_joined_namespaces(const oci::Runtime& runtime, const base::ContainerId& id,
                                          pid_t init);

// `path`, or that of `init` if it is gone.
std::string network_path_of(const std::string& path, pid_t init);
// Where the network namespace of a container that runs can be entered. Only for specs that have
// one.
std::string network_of(const oci::Spec& spec, const oci::State& state);

}  // namespace reprise::container
