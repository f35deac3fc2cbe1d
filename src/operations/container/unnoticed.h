// SPDX-License-Identifier: Apache-2.0
//
// Containers that the runtime runs, while Podman does not know of them, or takes them for ended:
// left by a Podman that was killed in the middle of a start.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "podman/container_info.h"

namespace reprise::operations {

struct Unnoticed {
  std::string id;
  std::string name;    // as Podman tells; empty if it knows no such container
  std::string status;  // Podman's word for it; empty as above

  [[nodiscard]] std::string text() const;    // "runs, but Podman …"
  [[nodiscard]] std::string remedy() const;  // what to do about it
};

// Of those below `root` (runc's directory) that opted in, those that have tasks and that none of
// `containers` says to have. A start that is under way looks the same, for a moment.
std::vector<Unnoticed> find_unnoticed(const std::filesystem::path& root,
                                      const std::vector<podman::ContainerInfo>& containers);

// The same, of this host's Podman: asked twice, so that a start that is under way is not told.
// Empty also if Podman cannot be asked, which others tell.
std::vector<Unnoticed> find_unnoticed();

}  // namespace reprise::operations
