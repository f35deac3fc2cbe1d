// SPDX-License-Identifier: Apache-2.0
//
// Keeps what cannot be saved out of a container, where programs fall back to something else if they
// are told that it is not there: io_uring (ENOSYS, as on a kernel without it) and sockets of
// Multipath TCP (EPROTONOSUPPORT; programs of Go 1.24 and later listen on them by default).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::container {

// The OCI configuration `config` whose seccomp profile refuses both, whatever it said about these
// calls before, but for what the annotations reprise.dev/io-uring and reprise.dev/mptcp allow (deny
// or allow). Where there is no profile (--privileged, seccomp=unconfined) it stays so: somebody
// wants no filter, which a program can tell. So it does where a profile speaks of the protocols of
// sockets in a way that no rule of ours can go with. Pure. kCorrupt for text that is not an OCI
// configuration.
base::Result<std::string> refusing_what_cannot_be_saved(std::string_view config);

// Does so to the config.json of a bundle, in place and atomically: after a failure the old one
// stands.
base::Result<void> refuse_what_cannot_be_saved(const std::filesystem::path& bundle);

}  // namespace reprise::container
