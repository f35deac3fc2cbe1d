// SPDX-License-Identifier: Apache-2.0
#include "pager/lazy_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "sys/files.h"

namespace reprise::pager {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

namespace {

constexpr std::uint32_t kRestoreFinished = 0x52535446;  // CRIU's uffd.h

std::unexpected<base::Error> no_protocol() {
  return fail(ErrorCode::kInvalidInput, "CRIU's lazy pages: what came is not its protocol");
}

// The number of bytes that came, less than `size` only at the end.
Result<std::size_t> receive_all(int fd, void* data, std::size_t size) {
  for (;;) {
    const ssize_t count = ::recv(fd, data, size, MSG_WAITALL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return fail_errno(errno, "listening to CRIU");
  }
}

// Comes with one byte, in a message of its own.
Result<sys::UniqueFd> receive_descriptor(int fd) {
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t count = 0;
  do count = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count < 0) return fail_errno(errno, "listening to CRIU");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (count != 1 || header == nullptr || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(sizeof(int)))
    return no_protocol();
  int received = -1;
  std::memcpy(&received, CMSG_DATA(header), sizeof received);
  return sys::UniqueFd(received);
}

}  // namespace

Result<sys::UniqueFd> listen_lazy(const std::filesystem::path& file) {
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(errno, "making a socket");
  // By a descriptor of its directory: an address has room for 107 bytes.
  const sys::UniqueFd directory =
      REPRISE_PASS(sys::open_file(file.parent_path(), O_PATH | O_DIRECTORY));
  const std::string place =
      "/proc/self/fd/" + std::to_string(directory.get()) + "/" + file.filename().string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (place.size() >= sizeof address.sun_path)
    return fail(ErrorCode::kInternal, "the name of '" + file.string() + "' is too long");
  place.copy(address.sun_path, place.size());
  if (::fchmod(fd.get(), sys::kPrivateFile) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 1) != 0)
    return fail_errno(errno, "listening at '" + file.string() + "'");
  return fd;
}

Result<std::optional<LazyConnection>> LazyConnection::accept(int listener, int stop) {
  for (;;) {
    pollfd fds[] = {{.fd = listener, .events = POLLIN, .revents = 0},
                    {.fd = stop, .events = POLLIN, .revents = 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return fail_errno(errno, "waiting for CRIU");
    if (fds[0].revents == 0) {
      if (fds[1].revents != 0) return std::nullopt;
      continue;
    }
    sys::UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid()) return fail_errno(errno, "waiting for CRIU");
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0)
      return LazyConnection(std::move(fd));
  }
}

Result<LazyMessage> LazyConnection::next() {
  std::uint32_t word = 0;
  const std::size_t count = REPRISE_PASS(receive_all(fd_.get(), &word, sizeof word));
  if (count == 0) return LazyMessage();
  if (count != sizeof word) return no_protocol();
  if (word == kRestoreFinished)
    return LazyMessage{.kind = LazyMessage::Kind::kFinished, .pid = 0, .fd = {}};
  if (static_cast<std::int32_t>(word) <= 0)
    return LazyMessage{.kind = LazyMessage::Kind::kZombie, .pid = 0, .fd = {}};
  sys::UniqueFd received = REPRISE_PASS(receive_descriptor(fd_.get()));
  return LazyMessage{.kind = LazyMessage::Kind::kProcess, .pid = word, .fd = std::move(received)};
}

}  // namespace reprise::pager
