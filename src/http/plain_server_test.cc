// SPDX-License-Identifier: Apache-2.0
#include "http/plain_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "sys/unique_fd.h"

namespace reprise::http {
namespace {

class PlainServerTest : public ::testing::Test {
 protected:
  sys::UniqueFd connect() const {
    sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  static std::string rest(const sys::UniqueFd& fd) {
    std::string text;
    char piece[4096];
    for (ssize_t got = 0; (got = ::recv(fd.get(), piece, sizeof piece, 0)) > 0;)
      text.append(piece, static_cast<std::size_t>(got));
    return text;
  }
  std::string ask(const std::string& request) const {
    const sys::UniqueFd fd = connect();
    ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
    return rest(fd);
  }

  static std::unique_ptr<PlainServer> serve(std::chrono::milliseconds patience) {
    const auto handler = [](const std::string& path) {
      return path == "/x" ? PlainAnswer{.body = "yes\n"} : PlainAnswer{.status = 404};
    };
    return start_plain_server("127.0.0.1:0", handler, patience).value();
  }

  std::unique_ptr<PlainServer> server_ = serve(std::chrono::seconds{60});
};

TEST_F(PlainServerTest, AnswersByPath) {
  const std::string answer = ask("GET /x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\nContent-Length: 4\r\nConnection: close\r\n\r\nyes\n"))
      << answer;
  EXPECT_TRUE(ask("GET /z HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("HEAD /x HTTP/1.1\r\n\r\n").ends_with("close\r\n\r\n"));
  EXPECT_TRUE(ask("POST /x HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(ask("GET\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(" \r\n\r\n").starts_with("HTTP/1.1 400 "));
}

constexpr std::chrono::milliseconds kSoon{200};

TEST_F(PlainServerTest, OneThatSaysTooMuchOrNothingGetsNoAnswer) {
  EXPECT_EQ(ask("GET /x HTTP/1.1\r\nA: " + std::string(9000, 'a') + "\r\n\r\n"), "");
  server_ = serve(kSoon);
  EXPECT_EQ(ask("GET /x HTTP/1.1\r\n"), "");
}

TEST_F(PlainServerTest, ManyWhoSayNothingLeaveItsOwnerFree) {
  server_ = serve(kSoon);
  std::vector<sys::UniqueFd> held;
  for (int i = 0; i < 40; ++i) held.push_back(connect());
  server_.reset();
}

TEST_F(PlainServerTest, Addresses) {
  const auto nothing = [](const std::string&) { return PlainAnswer{}; };
  for (const char* address : {"", "7435", "host:1", "127.0.0.1:x", ":80"})
    EXPECT_EQ(start_plain_server(address, nothing).error().code(), base::ErrorCode::kInvalidInput)
        << address;
  const std::string taken = "127.0.0.1:" + std::to_string(server_->port());
  EXPECT_EQ(start_plain_server(taken, nothing).error().code(), base::ErrorCode::kBusy);
  EXPECT_TRUE(start_plain_server("[::1]:0", nothing));
}

}  // namespace
}  // namespace reprise::http
