// SPDX-License-Identifier: Apache-2.0
#include "pager/lazy_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "sys/unix_socket.h"

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

Result<std::optional<LazyConnection>> LazyConnection::accept(int listener, int stop) {
  auto connection = REPRISE_TRY(sys::accept_own(listener, stop), "waiting for CRIU");
  if (!connection) return std::nullopt;
  return LazyConnection(std::move(connection->fd));
}

Result<LazyMessage> LazyConnection::next() {
  std::uint32_t word = 0;
  const std::size_t count =
      REPRISE_TRY(sys::receive_all(fd_.get(), std::as_writable_bytes(std::span(&word, 1))),
                  "listening to CRIU");
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
