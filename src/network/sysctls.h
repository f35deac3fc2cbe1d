// SPDX-License-Identifier: Apache-2.0
//
// The settings of a network namespace below /proc/sys/net. Neither CRIU nor runc takes them along
// to a new one; those of IPC and UTS namespaces CRIU does.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "network/network.h"

namespace reprise::network {

// By their path below /proc/sys ("net/ipv4/ip_forward"); a value as the kernel writes it, without
// the end of its line.
using Sysctls = std::map<std::string, std::string>;

// Pure: whether a path is one of those.
bool is_of_network(std::string_view path);

// Pure: of `now`, those that are not as `given` (from the specification, where it names them) or as
// in a namespace that was just made. Interfaces are compared with that one's "default".
Sysctls changed_sysctls(const Sysctls& now, const Sysctls& fresh, const Sysctls& given);

// Of `ns`, those that something in it has changed. `given`: of the container's specification, by
// path. Makes a namespace for a moment, to compare with.
base::Result<Sysctls> read_changed_sysctls(const NetworkNamespace& ns, const Sysctls& given);

// What those of `ns` are now of which `like` has a value.
base::Result<Sysctls> read_sysctls(const NetworkNamespace& ns, const Sysctls& like);

// Sets those in `ns` that are not so yet, general ones first. Returns the names of those that the
// kernel refused, except of interfaces that are not there.
base::Result<std::string> write_sysctls(const NetworkNamespace& ns, const Sysctls& wanted);

// For a part of a checkpoint. decode: kCorrupt for what encode did not write, or for a path that
// leads elsewhere.
std::string encode_sysctls(const Sysctls& sysctls);
base::Result<Sysctls> decode_sysctls(std::string_view text);

}  // namespace reprise::network
