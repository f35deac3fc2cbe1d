// SPDX-License-Identifier: Apache-2.0
//
// What can be said of this host, or of one container, before a checkpoint: whether it will work,
// and what keeps it from that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operations/node.h"
#include "podman/container_info.h"

namespace reprise::operations {

enum class Health : std::uint8_t { kOk, kInfo, kWarn, kFail };
std::string_view to_string(Health health);

// What one check found; `remedy` is empty where there is nothing to do.
struct Finding {
  Health health = Health::kOk;
  std::string subject;
  std::string text;
  std::string remedy;
};

// Checks of the host, each on its own: none depends on another having passed.
struct HostCheck {
  std::string_view subject;
  Finding (*check)(const Node& node);
};
std::span<const HostCheck> host_checks();
std::vector<Finding> check_host(const Node& node);

// What of the container's files a checkpoint does not hold, or a restore does not give back.
std::vector<Finding> check_files(const podman::ContainerInfo& info);

// Whether the container can be checkpointed now: its state, and obstacles in its processes.
std::vector<Finding> check_container(const podman::ContainerInfo& info, const Node& node);

// The first version number in `text`: "Version: 4.2.1" gives {4, 2, 1}; empty if there is none.
std::vector<int> parse_version(std::string_view text);

}  // namespace reprise::operations
