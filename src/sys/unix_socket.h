// SPDX-License-Identifier: Apache-2.0
//
// UNIX sockets that have a name in the file system, of any length (see socket_name.h).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>

#include "sys/files.h"

namespace reprise::sys {

// Listens there, in place of whoever did, for connections of this type (SOCK_STREAM); the file has
// mode 0600, and is left to the caller to remove. kInvalidInput if its name has no room in an
// address (more than 80 bytes in a long path).
Result<UniqueFd> listen_on(const path& file, int type);

// Connects `socket`. kNotFound or kGone if nobody listens there, kInvalidInput as above.
Result<void> connect_to(const UniqueFd& socket, const path& file);

struct Connection {
  UniqueFd fd;
  pid_t peer = 0;  // who connected
};

// Blocks until a process of our own user has connected to `listener`; connections of others are
// closed. nullopt if `stop` (-1: nothing) becomes readable, or is closed by its other side, before.
Result<std::optional<Connection>> accept_own(int listener, int stop);

// Fills `out` from a stream. Blocks. The number of bytes, less than asked for only where the other
// side has closed.
Result<std::size_t> receive_all(int fd, std::span<std::byte> out);

}  // namespace reprise::sys
