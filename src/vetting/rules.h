// SPDX-License-Identifier: Apache-2.0
//
// Compares what CRIU's images ask for with what the container was created with. All pure.
//
// Each fails with kDenied for images that ask for more, naming what, with a hint where a wider
// container would do. They are on the safe side: what they do not know is refused.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/criu_files.h"
#include "image/criu_mounts.h"
#include "image/criu_tasks.h"
#include "vetting/grants.h"

namespace reprise::vetting {

// Capabilities, no_new_privs, users and groups, LSM profile, limits, scheduler of one task; `who`
// is put into the words: "process 7".
Result<void> check_rights(const image::CriuThread& thread, const Grants& grants,
                          const std::string& who);

// For a task that has no seccomp filter though its container has a profile.
std::unexpected<base::Error> unfiltered(const std::string& who);

// The namespaces of one process beside those of the host. Those that the container has of its own
// must not be the host's; a process may be in further ones only if it could have made them.
Result<void> check_namespaces(const image::CriuNamespaces& ids, const image::CriuNamespaces& init,
                              const image::CriuNamespaces& host, const Grants& grants,
                              const std::string& who);
Result<void> check_user_namespace(const image::CriuUserNamespace& ids, const Grants& grants);

// The mounts of one mount namespace. `exists` tells whether something has that path in /proc or
// /sys of this host, so that it must be masked or read-only.
using Exists = std::function<bool(const std::string& path)>;
Result<void> check_mounts(const std::vector<image::CriuMount>& mounts, const Grants& grants,
                          const Exists& exists);
// The same of a further mount namespace, which a program made for itself: what of `first`, that of
// the first process, is there again, and otherwise file systems of its own.
Result<void> check_further_mounts(const std::vector<image::CriuMount>& mounts,
                                  const std::vector<image::CriuMount>& first, const Grants& grants,
                                  const Exists& exists);

// Open files, sockets and watches. Those of a kind that is not named here are harmless.
Result<void> check_files(const std::vector<image::CriuOpenFile>& files,
                         const std::vector<image::CriuMount>& mounts, const Grants& grants);
Result<void> check_ghost(const image::CriuGhost& ghost, const Grants& grants,
                         const std::string& who);
// type: 'c' or 'b'.
bool is_granted_device(char type, std::uint64_t major, std::uint64_t minor, const Grants& grants);

// Where CRIU makes files before it is inside of the container, so that a symbolic link on the way
// would lead it into the host's files.
struct MadePlace {
  std::string path;   // as the container sees it
  std::string mount;  // the place of the mount that it lies on
  std::uint64_t device = 0;
};
std::vector<MadePlace> made_places(const std::vector<image::CriuOpenFile>& files,
                                   const std::vector<image::CriuRemap>& remaps,
                                   const std::vector<image::CriuMount>& mounts);

// `controllers`: those of this host that runc tells CRIU the container's own cgroup of.
Result<void> check_cgroups(const image::CriuCgroups& cgroups, const Grants& grants,
                           const std::set<std::string>& controllers);

// The path of the container's cgroup in version 2; empty if config.json leaves it to runc.
std::string cgroup_of(const Grants& grants);
// The same processes in the cgroup `own` and below it, for a host that has version 2 alone: there
// runc does not tell CRIU the new container's cgroup. kDenied for paths that lead elsewhere.
Result<image::CriuCgroups> renewed_cgroups(const image::CriuCgroups& cgroups, const Grants& grants,
                                           const std::string& own);

// "asks for WHAT, which the container does not have", kDenied.
std::unexpected<base::Error> more(const std::string& who, const std::string& what,
                                  const std::string& hint = "");

// Whether `path` is absolute, and has no empty, "." or ".." part.
bool is_plain_path(std::string_view path);

}  // namespace reprise::vetting
