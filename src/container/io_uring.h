// SPDX-License-Identifier: Apache-2.0
//
// Keeps io_uring, which cannot be saved, out of a container: its system calls answer ENOSYS, as on
// a kernel without it, so that programs fall back to other I/O by themselves.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::container {

// The OCI configuration `config` with a seccomp rule that answers ENOSYS to io_uring_*, whatever
// the profile said about these calls; without a profile, one that allows everything else. Pure.
// kCorrupt for text that is not an OCI configuration.
base::Result<std::string> without_io_uring(std::string_view config);

// Does so to the config.json of a bundle, in place and atomically: after a failure the old one
// stands.
base::Result<void> refuse_io_uring(const std::filesystem::path& bundle);

}  // namespace reprise::container
