// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a side that does on each connection what the test says.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sys/unique_fd.h"

namespace reprise::http {

// Without TLS.
class TestConnection {
 public:
  explicit TestConnection(sys::UniqueFd socket) : socket_(std::move(socket)) {}
  // Reads until all that came holds `text`, and returns all of it; ends with the other side.
  const std::string& read_until(std::string_view text) {
    std::array<char, 4096> piece{};
    while (came_.find(text) == std::string::npos) {
      const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
      if (got <= 0) break;
      came_.append(piece.data(), static_cast<std::size_t>(got));
    }
    return came_;
  }
  void send(std::string_view text) {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL), std::ssize(text));
  }
  // To a side that may have gone.
  void try_to_send(std::string_view text) {
    static_cast<void>(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL));
  }
  // Reads until the other side has closed.
  void await_end() { read_until("no text has this"); }
  // What a host does that is switched off.
  void reset() {
    const linger kNow{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &kNow, sizeof kNow);
    socket_.reset();
  }

 private:
  sys::UniqueFd socket_;
  std::string came_;
};

using TestScript = std::function<void(TestConnection&)>;

// Accepts as many connections as there are scripts, one after the other. Waits for them on drop.
class TestPeer {
 public:
  explicit TestPeer(std::vector<TestScript> scripts)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), scripts_(std::move(scripts)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), generic, length), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] {
      for (const TestScript& script : scripts_) {
        TestConnection connection(sys::UniqueFd(::accept(listener_.get(), nullptr, nullptr)));
        script(connection);
      }
    });
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/";
  }

 private:
  sys::UniqueFd listener_;
  std::vector<TestScript> scripts_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

}  // namespace reprise::http
