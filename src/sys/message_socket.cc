// SPDX-License-Identifier: Apache-2.0
#include "sys/message_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>

#include "sys/unix_socket.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

constexpr std::size_t kMaxMessage = 65536;

Result<void> wait_readable(const UniqueFd& fd, std::chrono::milliseconds timeout) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd poll_fd{.fd = fd.get(), .events = POLLIN, .revents = 0};
    const int ready =
        ::poll(&poll_fd, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) return {};
    if (ready == 0) return fail(ErrorCode::kBusy, "no answer within the time limit");
    if (errno != EINTR) return fail_errno(errno, "waiting for a message");
  }
}

Result<UniqueFd> new_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno(errno, "making a socket");
  return fd;
}

Result<void> limit_sending(const UniqueFd& fd, std::chrono::milliseconds patience) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(patience - seconds);
  const timeval limit{.tv_sec = seconds.count(), .tv_usec = rest.count()};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
    return fail_errno(errno, "setting a socket's time limit");
  return {};
}

}  // namespace

Result<std::pair<MessageSocket, MessageSocket>> MessageSocket::pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    return fail_errno(errno, "making a socket pair");
  return std::pair(MessageSocket(UniqueFd(fds[0])), MessageSocket(UniqueFd(fds[1])));
}

Result<MessageSocket> MessageSocket::connect(const path& address,
                                             std::optional<std::chrono::milliseconds> patience) {
  UniqueFd fd = REPRISE_PASS(new_socket());
  if (patience) REPRISE_PASS(limit_sending(fd, *patience));  // unix(7): connect heeds it as well
  REPRISE_PASS(connect_to(fd, address));
  return MessageSocket(std::move(fd));
}

Result<void> MessageSocket::send(std::string_view message) {
  if (message.empty()) return fail(ErrorCode::kInternal, "empty message");
  if (message.size() > kMaxMessage) return fail(ErrorCode::kInternal, "message too long");
  while (::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return fail_errno(errno, "sending a message");
  return {};
}

Result<std::optional<std::string>> MessageSocket::receive(
    std::optional<std::chrono::milliseconds> timeout) {
  if (timeout) REPRISE_PASS(wait_readable(fd_, *timeout));
  std::string message(kMaxMessage, '\0');
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), message.data(), message.size(), MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != ECONNRESET) return fail_errno(errno, "receiving a message");
    if (n <= 0) return std::optional<std::string>();
    if (static_cast<std::size_t>(n) > message.size())
      return fail(ErrorCode::kCorrupt, "a message is larger than any of ours");
    message.resize(static_cast<std::size_t>(n));
    return std::optional(std::move(message));
  }
}

Result<MessageListener> MessageListener::listen(const path& address) {
  return MessageListener(REPRISE_PASS(listen_on(address, SOCK_SEQPACKET)), address);
}

MessageListener::~MessageListener() {
  if (fd_.valid()) ::unlink(address_.c_str());
}

Result<MessageSocket> MessageListener::accept() {
  for (;;) {
    UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.valid()) return MessageSocket::adopt(std::move(fd));
    if (errno != EINTR) return fail_errno(errno, "accepting a connection");
  }
}

}  // namespace reprise::sys
