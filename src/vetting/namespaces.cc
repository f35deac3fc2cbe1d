// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "vetting/rules.h"

namespace reprise::vetting {

using image::CriuNamespaces;

namespace {

struct NamespaceKind {
  const char* name;  // in config.json
  std::uint64_t CriuNamespaces::* id;
};
constexpr std::array<NamespaceKind, 7> kNamespaceKinds = {{{"pid", &CriuNamespaces::pid},
                                                           {"network", &CriuNamespaces::net},
                                                           {"ipc", &CriuNamespaces::ipc},
                                                           {"uts", &CriuNamespaces::uts},
                                                           {"mount", &CriuNamespaces::mnt},
                                                           {"user", &CriuNamespaces::user},
                                                           {"cgroup", &CriuNamespaces::cgroup}}};

}  // namespace

Result<void> check_namespaces(const CriuNamespaces& ids, const CriuNamespaces& init,
                              const CriuNamespaces& host, const Grants& grants,
                              const std::string& who) {
  for (const NamespaceKind& kind : kNamespaceKinds) {
    const std::uint64_t id = ids.*kind.id;
    const std::uint64_t of_host = host.*kind.id;
    const std::string name = kind.name;
    // Without a number, or with that of the host, CRIU leaves the task in the namespace of its own.
    if (grants.namespaces.contains(name)) {
      if (id == 0 || id == of_host) return more(who, "the " + name + " namespace of the host");
    } else if (id != of_host && (name == "user" || name == "pid" || name == "mount")) {
      return more(who, "a " + name + " namespace of its own");
    }
    if (id != init.*kind.id && (name == "user" || name == "pid" || !grants.may(kCapSysAdmin)))
      return more(who, "another " + name + " namespace than the first process");
  }
  return {};
}

Result<void> check_user_namespace(const image::CriuUserNamespace& ids, const Grants& grants) {
  if (ids.users == grants.user_ids && ids.groups == grants.group_ids) return {};
  return more("the user namespace", "other ids of the host");
}

}  // namespace reprise::vetting
