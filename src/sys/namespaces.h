// SPDX-License-Identifier: Apache-2.0
//
// Namespaces of other processes.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"

namespace reprise::sys {

// Sets the host name in the UTS namespace of process `pid`. kGone if that has ended. Changes the
// namespace of the calling thread for a moment; aborts if it cannot come back.
base::Result<void> set_host_name_of(pid_t pid, const std::string& name);

// The host name there. The same holds.
base::Result<std::string> host_name_of(pid_t pid);

// Runs `work` on the calling thread inside a network namespace: `file` (/run/netns/…,
// /proc/PID/ns/net), or one that is made for it and gone afterwards. /proc/sys/net is then that of
// the namespace, and so are children that `work` starts. Aborts if the thread cannot come back.
base::Result<void> in_network(const std::filesystem::path& file,
                              const std::function<base::Result<void>()>& work);
base::Result<void> in_new_network(const std::function<base::Result<void>()>& work);

// Whether `file` is the network namespace of the calling thread.
base::Result<bool> is_own_network(const std::filesystem::path& file);

}  // namespace reprise::sys
