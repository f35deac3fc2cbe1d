// SPDX-License-Identifier: Apache-2.0
//
// One endless header line took all memory, and 70 connections that sent a byte now and then took
// all threads, both before anybody had shown a token.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/client.h"
#include "http/server.h"
#include "http/test_certificates.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::http {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

sys::UniqueFd connect_to(std::uint16_t port) {
  sys::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
            0);
  const timeval patience{.tv_sec = 60, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return socket;
}

// Somebody who is not known, and trusts everybody.
class Stranger {
 public:
  explicit Stranger(std::uint16_t port)
      : socket_(connect_to(port)),
        context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        ssl_(SSL_new(context_.get()), &SSL_free) {
    SSL_set_fd(ssl_.get(), socket_.get());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  // Whether its handshake came to an end within the server's patience.
  [[nodiscard]] bool is_connected() const { return connected_; }
  [[nodiscard]] bool send(std::string_view text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }
  // What comes until the other side ends.
  [[nodiscard]] std::string receive() {
    std::string all;
    std::array<char, 4096> piece{};
    std::size_t got = 0;
    while (SSL_read_ex(ssl_.get(), piece.data(), piece.size(), &got) == 1)
      all.append(piece.data(), got);
    return all;
  }

 private:
  sys::UniqueFd socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool connected_ = false;
};

class Strangers : public testing::Test {
 protected:
  void serve(const Limits& limits) {
    auto started =
        start_server({.cert_file = server_.cert_file,
                      .key_file = server_.key_file,
                      .token = crypto::SecretText("secret"),
                      .limits = limits},
                     [](const Question& question) -> Answer {
                       return {.status = question.method == "GET" ? 200 : 405, .body = "contents"};
                     });
    ASSERT_TRUE(started) << started.error().message();
    served_ = std::move(*started);
  }
  [[nodiscard]] std::uint16_t port() const { return served_->port(); }
  // Of somebody who may ask.
  [[nodiscard]] std::unique_ptr<Client> friendly() const {
    auto opened = Client::open({.place = "server",
                                .ca_file = authority_.ca_file(),
                                .patience = {.connect = seconds{60},
                                             .stall = seconds{60},
                                             .tries = 1,
                                             .backoff = milliseconds{10}},
                                .bearer = secret_of(crypto::SecretText("secret")).value()});
    EXPECT_TRUE(opened) << opened.error().message();
    return std::move(*opened);
  }
  std::string answer_to(Client& client) const {
    const auto got = client.perform({.url = "https://127.0.0.1:" + std::to_string(port()) + "/a"});
    return got ? got->body : got.error().message();
  }

  sys::TestDirectory scratch_;
  TestAuthority authority_{scratch_, "ca"};
  TestCertificate server_ = authority_.issue("server", "IP:127.0.0.1");
  std::unique_ptr<Server> served_;
};

constexpr std::string_view kBegun = "GET /v1/objects HTTP/1.1\r\nX: ";

TEST_F(Strangers, AnEndlessHeaderIsCutOff) {
  serve({.patience = seconds{60}});
  Stranger stranger(port());
  ASSERT_TRUE(stranger.send(kBegun));
  const std::string piece(16 << 10, 'a');
  int pieces = 0;
  while (pieces < 4096 && stranger.send(piece)) ++pieces;
  EXPECT_LT(pieces, 1024);  // what socket buffers take
  EXPECT_EQ(answer_to(*friendly()), "contents");
}

TEST_F(Strangers, ManyHeadersAreCutOff) {
  serve({.patience = seconds{60}});
  Stranger stranger(port());
  ASSERT_TRUE(stranger.send("GET /v1/objects HTTP/1.1\r\n"));
  int lines = 0;
  while (lines < 4'000'000 && stranger.send("A: b\r\n")) ++lines;
  EXPECT_LT(lines, 2'000'000);
}

// On a host that needs longer than the patience for the handshake, with more of it.
TEST_F(Strangers, SlownessEndsByTheClockOfAllTogether) {
  for (milliseconds patience{500}; patience < seconds{60}; patience *= 4) {
    serve({.patience = patience});
    Stranger stranger(port());
    if (!stranger.is_connected() || !stranger.send(kBegun)) continue;
    const auto began = Clock::now();
    while (stranger.send("a") && Clock::now() - began < seconds{120})
      std::this_thread::sleep_for(milliseconds{20});
    EXPECT_LT(Clock::now() - began, seconds{120});
    return;
  }
  FAIL() << "no handshake came to an end";
}

TEST_F(Strangers, AHandshakeThatNeverComesEnds) {
  serve({.patience = milliseconds{500}});
  const sys::UniqueFd silent = connect_to(port());
  char byte = 0;
  EXPECT_EQ(::recv(silent.get(), &byte, 1, 0), 0);
}

// The patience of all of them together would be an hour.
TEST_F(Strangers, AnyNumberOfThemKeepsNobodyOut) {
  serve({.patience = std::chrono::hours{1}, .connections = 8});
  const auto reader = friendly();
  std::vector<sys::UniqueFd> silent;
  std::vector<std::unique_ptr<Stranger>> slow;
  for (int round = 0; round < 20; ++round) {
    silent.push_back(connect_to(port()));
    slow.push_back(std::make_unique<Stranger>(port()));
    ASSERT_TRUE(slow.back()->send(kBegun));
    EXPECT_EQ(answer_to(*reader), "contents") << round;
  }
}

TEST_F(Strangers, AWrongTokenHasOneTryPerConnection) {
  serve({});
  Stranger stranger(port());
  const std::string request = "GET /v1/objects HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_TRUE(stranger.send(request + request));
  const std::string answer = stranger.receive();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
  EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
}

TEST_F(Strangers, ABodyIsNoSecondRequest) {
  serve({});
  Stranger known(port());
  const std::string token = "Host: a\r\nAuthorization: Bearer secret\r\n";
  ASSERT_TRUE(known.send("POST /v1/objects HTTP/1.1\r\n" + token +
                         "Content-Length: 99\r\n\r\nGET " + "/v1/objects HTTP/1.1\r\n" + token +
                         "\r\n"));
  const std::string answer = known.receive();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405")) << answer;
  EXPECT_EQ(answer.find("HTTP/1.1 200"), std::string::npos) << answer;
}

}  // namespace
}  // namespace reprise::http
