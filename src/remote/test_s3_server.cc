// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/test_s3_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace reprise::remote {
namespace {

constexpr const char* kAccessKey = "reprise-test";
constexpr const char* kSecretKey = "not/a+secret";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s; REPRISE_S3_SERVER must be what tools/s3-server prints\n", why.c_str());
  std::exit(1);
}

// The kernel gives the same one to others only after many more.
std::uint16_t free_port() {
  const sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0)
    give_up("there is no free port");
  return ntohs(address.sin_port);
}

}  // namespace

sys::UniqueFd connect_to(std::uint16_t port) {
  sys::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fd.reset();
  return fd;
}

TestS3Server::TestS3Server(std::uint16_t port, sys::TestDirectory& data, sys::Child child)
    : port_(port), data_(data), child_(std::move(child)) {
  while (!connect_to(port_).valid()) {
    if (child_.wait(std::chrono::milliseconds{20})) give_up("the S3 server ended at once");
  }
}

TestS3Server& TestS3Server::instance() {
  static sys::TestDirectory data;
  static TestS3Server server = [] {
    const char* program = std::getenv("REPRISE_S3_SERVER");
    if (program == nullptr) give_up("there is no S3 server");
    std::filesystem::create_directories(data / "bucket");
    const std::uint16_t port = free_port();
    auto child = sys::Child::spawn(
        {.argv = {program, "--access", kAccessKey, "--secret", kSecretKey, "--port",
                  "127.0.0.1:" + std::to_string(port), "posix", data.path().string()},
         .env = sys::default_environment()});
    if (!child) give_up(child.error().message());
    return TestS3Server(port, data, std::move(*child));
  }();
  return server;
}

S3Options TestS3Server::options(std::string prefix, std::uint16_t port) {
  return {.endpoint = "http://127.0.0.1:" + std::to_string(port),
          .bucket = "bucket",
          .prefix = std::move(prefix),
          .access_key = kAccessKey,
          .secret_key = crypto::SecretText(kSecretKey),
          .patience = {.connect = std::chrono::milliseconds{2000},
                       .stall = std::chrono::seconds{2},
                       .tries = 3,
                       .backoff = std::chrono::milliseconds{10}},
          .part_bytes = S3Options::kLeastPart};
}

}  // namespace reprise::remote
