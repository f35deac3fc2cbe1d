// SPDX-License-Identifier: Apache-2.0
//
// UNIX sockets that have a name in the file system.
#pragma once

#include <sys/un.h>

#include "sys/files.h"

namespace reprise::sys {

// kInvalidInput if `file` has more than 107 bytes.
Result<sockaddr_un> unix_address(const path& file);

// Listens there, in place of whoever did, for connections of this type (SOCK_STREAM); the file gets
// mode 0600, and is left to the caller to remove.
Result<UniqueFd> listen_on(const path& file, int type);

}  // namespace reprise::sys
