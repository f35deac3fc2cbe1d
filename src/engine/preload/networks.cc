// SPDX-License-Identifier: Apache-2.0
//
// `reprise-networks.so`, preloaded into CRIU where programs have network namespaces of their own.
// runc (1.1) asks CRIU in every request to leave out what is in network namespaces, since it does
// not manage the container's; CRIU then saves no second one. The container's comes from Podman, and
// is told as such, so that there is nothing of it to leave out.
//
// Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "engine/preload/rpc_request.h"

namespace {

using Recv = ssize_t (*)(int, void*, std::size_t, int);

Recv g_next = nullptr;

// Called before anything else of the program, so that no call of it has to wait for the look-up.
__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Recv>(::dlsym(RTLD_NEXT, "recv"));
}

}  // namespace

// CRIU (4.2, cr-service.c, recv_criu_msg) reads a request by its second call, the first asks for
// the size. Netlink is read by recvmsg.
extern "C" __attribute__((visibility("default"))) ssize_t recv(int fd, void* buffer,
                                                               std::size_t size, int flags) {
  const ssize_t got = g_next(fd, buffer, size, flags);
  if (got <= 0 || flags != MSG_TRUNC || static_cast<std::size_t>(got) > size) return got;
  reprise::engine::preload::keep_networks(
      {static_cast<std::uint8_t*>(buffer), static_cast<std::size_t>(got)});
  return got;
}
