// SPDX-License-Identifier: Apache-2.0
//
// Namespaces of other processes.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace reprise::sys {

// Sets the host name in the UTS namespace of process `pid`. kGone if that has ended. Changes the
// namespace of the calling thread for a moment; aborts if it cannot come back.
base::Result<void> set_host_name_of(pid_t pid, const std::string& name);

}  // namespace reprise::sys
