// SPDX-License-Identifier: Apache-2.0
#include "sys/unix_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sys/socket_name.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

Result<void> checked(const SocketName& name, const path& file) {
  if (name.error() == ENAMETOOLONG)
    return fail(ErrorCode::kInvalidInput, "socket path '" + file.string() + "' is too long");
  if (name.error() != 0)
    return fail_errno(name.error(), "opening '" + file.parent_path().string() + "'");
  return {};
}

Result<bool> has_connection(int listener, int stop) {
  pollfd fds[] = {{.fd = listener, .events = POLLIN, .revents = 0},
                  {.fd = stop, .events = POLLIN, .revents = 0}};
  while (::poll(fds, 2, -1) < 0)
    if (errno != EINTR) return fail_errno(errno, "waiting for a connection");
  return fds[0].revents != 0;
}

}  // namespace

Result<UniqueFd> listen_on(const path& file, int type) {
  const SocketName name(file.c_str());
  REPRISE_PASS(checked(name, file));
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(errno, "making a socket");
  ::unlink(file.c_str());
  // The file gets the socket's mode.
  if (::fchmod(fd.get(), kPrivateFile) != 0 ||
      ::bind(fd.get(), name.address(), SocketName::size()) != 0)
    return fail_errno(errno, "binding '" + file.string() + "'");
  if (::listen(fd.get(), SOMAXCONN) != 0)
    return fail_errno(errno, "listening on '" + file.string() + "'");
  return fd;
}

Result<void> connect_to(const UniqueFd& socket, const path& file) {
  const SocketName name(file.c_str());
  REPRISE_PASS(checked(name, file));
  if (::connect(socket.get(), name.address(), SocketName::size()) != 0)
    return fail_errno(errno, "connecting to '" + file.string() + "'");
  return {};
}

Result<std::optional<Connection>> accept_own(int listener, int stop) {
  while (REPRISE_PASS(has_connection(listener, stop))) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) return fail_errno(errno, "accepting a connection");
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
      return fail_errno(errno, "asking who connected");
    if (peer.uid == ::geteuid()) return Connection{.fd = std::move(fd), .peer = peer.pid};
  }
  return std::nullopt;
}

Result<std::size_t> receive_all(int fd, std::span<std::byte> out) {
  std::size_t received = 0;
  while (received < out.size()) {
    const auto rest = out.subspan(received);
    const ssize_t n = ::recv(fd, rest.data(), rest.size(), MSG_WAITALL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != ECONNRESET) return fail_errno(errno, "reading from a socket");
    if (n <= 0) break;
    received += static_cast<std::size_t>(n);
  }
  return received;
}

}  // namespace reprise::sys
