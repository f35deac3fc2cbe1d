// SPDX-License-Identifier: Apache-2.0
//
// `reprise-pages.so`, preloaded into CRIU for a dump: connects it to our page server, a UNIX
// socket, where it wants to reach the address that it was told (engine/criu/page_server.h).
//
// Runs inside a foreign program: no allocation, no locks, nothing of the C++ library.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine/preload/page_server_address.h"
#include "sys/socket_name.h"

namespace {

using namespace reprise::engine::preload;
using Connect = int (*)(int, const sockaddr*, socklen_t);

// What may be on its way: CRIU waits less often for us to take it.
constexpr int kInFlight = 4 << 20;

Connect g_next = nullptr;

__attribute__((constructor)) void find_next() {
  g_next = reinterpret_cast<Connect>(::dlsym(RTLD_NEXT, "connect"));
}

bool is_page_server(const sockaddr* address, socklen_t length) {
  sockaddr_in place{};
  if (address == nullptr || length < sizeof place || address->sa_family != AF_INET) return false;
  std::memcpy(&place, address, sizeof place);
  return ntohl(place.sin_addr.s_addr) == kPageServerAddressBits &&
         ntohs(place.sin_port) == kPageServerPort;
}

int connect_instead(int fd, const char* path) {
  const reprise::sys::SocketName place(path);
  if (place.error() != 0) {
    errno = place.error();
    return -1;
  }
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  // Where that is not allowed, the default will do.
  (void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &kInFlight, sizeof kInFlight);
  const bool connected = g_next(socket, place.address(), reprise::sys::SocketName::size()) == 0 &&
                         ::dup3(socket, fd, O_CLOEXEC) == fd;
  const int error = errno;
  ::close(socket);
  errno = error;
  return connected ? 0 : -1;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int connect(int fd, const sockaddr* address,
                                                              socklen_t length) {
  const char* path = std::getenv(kPageServerVariable);  // NOLINT(concurrency-mt-unsafe)
  if (path != nullptr && is_page_server(address, length)) return connect_instead(fd, path);
  return g_next(fd, address, length);
}
