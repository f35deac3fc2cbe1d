// SPDX-License-Identifier: Apache-2.0
//
// What CRIU's images say of the rights of tasks: core-TID.img, ids-PID.img, pstree.img,
// inventory.img and seccomp.img, read strictly (image/criu_message.h), since whoever made the
// images may have written anything into them.
//
// All functions are pure. Errors are kCorrupt or kUnsupported, as CriuMessage's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/criu_core.h"

namespace reprise::image {

struct CriuCredentials {
  std::array<std::uint64_t, 4> users{};   // real, effective, saved, of the file system
  std::array<std::uint64_t, 4> groups{};  // likewise
  std::vector<std::uint64_t> other_groups;
  std::uint64_t inheritable = 0;  // capabilities by their numbers, as all of these
  std::uint64_t permitted = 0;
  std::uint64_t effective = 0;
  std::uint64_t bounding = 0;
  std::uint64_t ambient = 0;
  std::uint64_t secure_bits = 0;
  bool no_new_privs = false;
  std::string lsm_profile;   // AppArmor's or SELinux's; empty: none
  bool carries_lsm = false;  // more of it: a policy, a label for sockets
};

struct CriuThread {
  CriuCredentials credentials;
  std::optional<std::uint32_t> seccomp_filter;  // index into seccomp.img; nullopt: no filter
  bool seccomp_strict = false;                  // mode 1, which allows four calls
  std::uint64_t scheduler = 0;                  // SCHED_*
  std::uint64_t cgroup_set = 0;
  // Of the first thread of a process only.
  std::vector<CriuLimit> limits;
  std::optional<std::int64_t> oom_score_adj;
  bool dead = false;  // a zombie: it has no rights any more
};
base::Result<CriuThread> decode_thread(std::string_view file);

// The namespaces of a process by CRIU's numbers, which only tell equal from different; 0: not said.
struct CriuNamespaces {
  std::uint64_t pid = 0, net = 0, ipc = 0, uts = 0, mnt = 0, user = 0, cgroup = 0, time = 0;
  bool operator==(const CriuNamespaces&) const = default;
};
base::Result<CriuNamespaces> decode_ids(std::string_view file);

struct CriuInventory {
  CriuNamespaces host;           // those of CRIU itself at the dump
  std::uint64_t cgroup_set = 0;  // likewise
  std::vector<std::string> plugins;
};
base::Result<CriuInventory> decode_inventory(std::string_view file);

struct CriuProcess {
  std::uint64_t pid = 0;
  std::uint64_t parent = 0;
  std::vector<std::uint64_t> threads;
};
base::Result<std::vector<CriuProcess>> decode_processes(std::string_view file);

struct CriuSeccompFilter {
  std::string program;                 // struct sock_filter[]
  std::optional<std::uint32_t> older;  // the filter that was there before, by index
  std::uint64_t flags = 0;             // SECCOMP_FILTER_FLAG_*
};
base::Result<std::vector<CriuSeccompFilter>> decode_seccomp(std::string_view file);
std::string encode_seccomp(const std::vector<CriuSeccompFilter>& filters);

struct CriuIdRange {
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  bool operator==(const CriuIdRange&) const = default;
};
struct CriuUserNamespace {
  std::vector<CriuIdRange> users;
  std::vector<CriuIdRange> groups;
};
base::Result<CriuUserNamespace> decode_user_namespace(std::string_view file);

}  // namespace reprise::image
