// SPDX-License-Identifier: Apache-2.0
//
// What programs set up in a network names the container's own addresses, and the next start may
// give it others. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network/network_setup.h"

namespace reprise::network {

// Old addresses to those that stand for them in `now`: in the same subnet, else the only one of its
// kind on a link that leads out. `were`: "10.88.0.5/16", as manifests have them. What `now` has as
// well is left out, and so is what `kept` names, as does an address without a successor.
std::map<std::string, std::string> successors(const std::vector<std::string>& were,
                                              const NetworkSetup& now,
                                              const std::vector<std::string>& kept);

// `change` with those addresses replaced where routes, rules and the firewall name them.
NetworkChange with_addresses(NetworkChange change,
                             const std::map<std::string, std::string>& successors);

// The addresses of `now`, in its words, that stand for those which programs had removed from a link
// to the outside: the same, or that link's in the same subnet, or its only one of that kind. Those
// in `added` are nobody's but the program's.
std::vector<std::string> addresses_to_remove(const std::vector<std::string>& removed,
                                             const std::vector<std::string>& added,
                                             const NetworkSetup& now);

}  // namespace reprise::network
