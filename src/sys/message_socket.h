// SPDX-License-Identifier: Apache-2.0
//
// Short messages between our own processes over UNIX sequenced-packet sockets.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sys/files.h"

namespace reprise::sys {

// One end of a connection. A message is at most 64 KiB and arrives whole or not at all.
class MessageSocket {
 public:
  static Result<std::pair<MessageSocket, MessageSocket>> pair();
  // kNotFound or kGone if nobody listens at `address`. Blocks while
  // more wait there than the listener has room for; with `patience` no longer than that, here and
  // in each send(): then kBusy.
  static Result<MessageSocket> connect(
      const path& address, std::optional<std::chrono::milliseconds> patience = std::nullopt);
  static MessageSocket adopt(UniqueFd fd) { return MessageSocket(std::move(fd)); }

  // `message` must not be empty (kInternal): that would read as the end. kGone when the other side
  // has closed. Blocks while the other side's buffer is full.
  Result<void> send(std::string_view message);
  // The next message; nullopt when the other side has closed or died. kBusy after `timeout`;
  // kCorrupt for a message that is larger than any of ours.
  Result<std::optional<std::string>> receive(
      std::optional<std::chrono::milliseconds> timeout = std::nullopt);

  [[nodiscard]] const UniqueFd& fd() const { return fd_; }

 private:
  explicit MessageSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// A listening socket; the file is created with mode 0600 and removed on drop.
class MessageListener {
 public:
  static Result<MessageListener> listen(const path& address);
  MessageListener(MessageListener&&) = default;
  MessageListener& operator=(MessageListener&& other) noexcept {
    fd_.swap(other.fd_);
    address_.swap(other.address_);
    return *this;
  }
  MessageListener(const MessageListener&) = delete;
  MessageListener& operator=(const MessageListener&) = delete;
  ~MessageListener();

  // The next connection. Blocks; poll `fd()` first to wait for several things.
  Result<MessageSocket> accept();
  [[nodiscard]] const UniqueFd& fd() const { return fd_; }

 private:
  MessageListener(UniqueFd fd, path address) : fd_(std::move(fd)), address_(std::move(address)) {}
  UniqueFd fd_;
  path address_;
};

}  // namespace reprise::sys
