// SPDX-License-Identifier: Apache-2.0
//
// Which threads of a container are bound to certain CPUs. CRIU does not save that, and pinned MPI
// and OpenMP programs lose their speed silently.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::container {

struct ThreadAffinity {
  pid_t tid = 0;     // inside the container, which is what a restore keeps
  std::string cpus;  // as the kernel writes lists: "0-3,8"
  bool operator==(const ThreadAffinity&) const = default;
};

// The threads of `init`'s tree that may run on other CPUs than `allowed`, the list of the
// container's cgroup: only what somebody bound on purpose is kept, so that a container that comes
// back with more CPUs uses them.
std::vector<ThreadAffinity> pinned_threads(const std::filesystem::path& proc, pid_t init,
                                           std::string_view allowed);

// Binds the threads of `init`'s tree as they were. All are tried; returns the first error, which is
// kInvalidInput where a thread has none of its CPUs any more (it then runs on all there are).
base::Result<void> pin_threads(const std::filesystem::path& proc, pid_t init,
                               const std::vector<ThreadAffinity>& threads);

// JSON: {"threads":[{"tid":7,"cpus":"0-1"}]}. Decoding: kCorrupt.
std::string encode_affinity(const std::vector<ThreadAffinity>& threads);
base::Result<std::vector<ThreadAffinity>> decode_affinity(std::string_view text);

}  // namespace reprise::container
