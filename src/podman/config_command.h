// SPDX-License-Identifier: Apache-2.0
//
// The `podman create` for a container that no command made: Podman's API, compose over it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reprise::podman {

// From Podman's own record (libpod's ContainerConfig) of Podman 4.8 to 5.4, as JSON: what decides
// how the container runs, written out. Its image is named by its id, its name is left to the
// caller. Empty if the text is no such record, or says no image. Pure.
std::vector<std::string> command_of_config(std::string_view json);

}  // namespace reprise::podman
