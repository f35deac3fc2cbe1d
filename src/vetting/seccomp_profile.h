// SPDX-License-Identifier: Apache-2.0
//
// The seccomp filter of a container, beside those that a checkpoint brings.
//
// Whether somebody else's filter forbids at least what a profile forbids cannot be seen by looking
// at it. It need not: filters only ever take away, so the container's own is put in front of each.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/criu_tasks.h"

namespace reprise::vetting {

// The program (struct sock_filter[]) that runc would install for linux.seccomp of a config.json.
// kUnsupported for profiles that need somebody to ask (SCMP_ACT_NOTIFY), kCorrupt for what is no
// profile. Leaves nothing behind.
base::Result<std::string> compile_profile(std::string_view seccomp);

// Whether the filter `index` and all before it are installed for all threads of a process at once.
bool is_for_all_threads(const std::vector<image::CriuSeccompFilter>& filters, std::uint32_t index);

// The filters with `program` before each of `used` (indices); the indices of tasks stay right. None
// is added where it is already. kCorrupt for filters that lead nowhere or in a circle, or that are
// no programs; kDenied for flags that take protection away.
base::Result<std::vector<image::CriuSeccompFilter>> with_filter(
    std::vector<image::CriuSeccompFilter> filters, const std::set<std::uint32_t>& used,
    const std::string& program);

}  // namespace reprise::vetting
