// SPDX-License-Identifier: Apache-2.0
//
// Which process has a port of a network namespace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace reprise::sys {

struct PortHolder {
  pid_t pid = 0;
  std::string name;  // as /proc/PID/comm has it
};

enum class Transport : std::uint8_t { kTcp, kUdp };

// Looks through all processes of `network` ("/proc/self/ns/net", "/run/netns/…"). nullopt if none
// has it, or that cannot be told: the kernel itself may (NFS, WireGuard).
std::optional<PortHolder> find_port_holder(const std::filesystem::path& network,
                                           Transport transport, std::uint16_t port);

}  // namespace reprise::sys
