// SPDX-License-Identifier: Apache-2.0
//
// The network namespace of a container, around a dump and a restore. Drives ip, nft and ss of the
// host inside the namespace.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::network {

// `/run/netns/…` or `/proc/PID/ns/net`.
using NetworkNamespace = std::filesystem::path;

// Runs a program of the host in `ns`, to its end, with `input` on its stdin; returns what it wrote
// to stdout. Errors as sys::run_ok.
base::Result<std::string> run_inside(const NetworkNamespace& ns, std::vector<std::string> command,
                                     std::string_view input = {});

// Pure: the addresses in the output of `ip -json address`, as ip_address.h has them: global ones of
// interfaces, those that were adopted (see below) on lo, and those that mean something on one link
// only.
struct InterfaceAddresses {
  std::vector<std::string> own;
  std::vector<std::string> adopted;
  std::vector<std::string> link;
};
base::Result<InterfaceAddresses> parse_addresses(std::string_view ip_json);
// Pure: names of the tables that CRIU's network lock makes, in the output of `nft list tables`:
// lines like "table inet CRIU-<id>"; returned as "inet CRIU-<id>".
std::vector<std::string> parse_criu_tables(std::string_view nft_output);

// Pure: of all sockets in the output of `ss --no-header --numeric …`, the canonical local
// addresses, without interface. kInternal for lines of another form.
base::Result<std::set<std::string>> parse_local_addresses(std::string_view ss_output);

// The addresses that sockets in `ns` may be bound to: those of its interfaces, and of the adopted
// and the link-local ones those that a socket uses (so that they do not pile up over many lives).
base::Result<std::vector<std::string>> addresses(const NetworkNamespace& ns);

// Deletes the tables that CRIU's network lock left in `ns`: a dump that failed, or one whose tasks
// ended, leaves a table with policy drop in a namespace that outlives the container, and nothing in
// it could talk any more (so does CRIU 4.2). Returns how many were deleted.
base::Result<int> remove_criu_locks(const NetworkNamespace& ns);

// Makes sockets restorable that are bound to addresses which `ns` does not have any more: each
// missing one of `wanted` ("10.88.0.5/16") is put on lo as a host address, and the other interfaces
// stop answering ARP for it, since somebody else may own it by now; a link-local one is put on its
// link again. Tries all of them, then returns the first error.
base::Result<void> adopt_addresses(const NetworkNamespace& ns,
                                   const std::vector<std::string>& wanted);

// Whether anything is adopted on lo of `ns`.
base::Result<bool> has_adopted(const NetworkNamespace& ns);

// Of `addresses` (as above), those that are adopted on lo of `ns`, without prefix.
base::Result<std::vector<std::string>> adopted_among(const NetworkNamespace& ns,
                                                     const std::vector<std::string>& addresses);

// Drops TCP and UDP from outside until `unblock_outside`: while sockets are not restored yet, the
// kernel would answer a peer that goes on sending with a reset. Repeating it is fine.
base::Result<void> block_outside(const NetworkNamespace& ns);
// Success also if nothing was blocked.
base::Result<void> unblock_outside(const NetworkNamespace& ns);

// Takes back what adopt_addresses did for `addresses`, for a restore that failed. What was not
// adopted is left alone.
base::Result<void> release_addresses(const NetworkNamespace& ns,
                                     const std::vector<std::string>& addresses);

// The same, but only for those that no socket uses: an adopted address keeps `ns` from reaching
// whoever has it by now.
base::Result<void> release_unused(const NetworkNamespace& ns,
                                  const std::vector<std::string>& addresses);

// Ends TCP connections between the adopted addresses and the outside: they cannot go on from
// another address, so the application sees an error at once, never a hang.
base::Result<void> reset_outside_connections(const NetworkNamespace& ns,
                                             const std::vector<std::string>& adopted);

// Whether any process but `besides` lives in `ns`: an empty namespace is about to be removed by
// whoever made it, or has just been made. Reads /proc.
bool is_inhabited(const NetworkNamespace& ns, const std::vector<pid_t>& besides = {});

}  // namespace reprise::network
