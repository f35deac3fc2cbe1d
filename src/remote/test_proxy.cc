// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/test_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <utility>

#include "remote/internal/test_s3_server.h"

namespace reprise::remote {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

void send_all(const sys::UniqueFd& to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Appends what is there to read; false at the end.
bool receive(const sys::UniqueFd& from, std::string& text) {
  std::array<char, 65536> piece{};
  const ssize_t got = ::recv(from.get(), piece.data(), piece.size(), 0);
  if (got <= 0) return false;
  text.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

std::size_t length_in(const std::string& head) {
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);)
    if (::strncasecmp(line.c_str(), "content-length:", 15) == 0)
      return std::strtoul(line.c_str() + 15, nullptr, 10);
  return 0;
}

void wait_until_gone(const sys::UniqueFd& client) {
  std::string ignored;
  while (receive(client, ignored)) {
  }
}

std::string own_answer(const Fault& fault) {
  return "HTTP/1.1 " + std::to_string(fault.status) +
         " Told By The Test\r\nConnection: close\r\nContent-Length: " +
         std::to_string(fault.text.size()) + "\r\n\r\n" + fault.text;
}

// Of the request's body, at most `limit` bytes of the whole request.
bool read_request(const sys::UniqueFd& client, std::string& request, std::size_t whole) {
  while (request.size() < whole)
    if (!receive(client, request)) return false;
  return true;
}

}  // namespace

TestProxy::TestProxy(std::uint16_t upstream, Fate fate)
    : upstream_(upstream),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      fate_(std::move(fate)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  accepting_ = std::jthread([this] { accept_all(); });
}

TestProxy::~TestProxy() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  accepting_.join();
  {
    const std::scoped_lock hold(lock_);
    for (const sys::UniqueFd& client : clients_) ::shutdown(client.get(), SHUT_RDWR);
  }
  threads_.clear();
}

void TestProxy::set_fate(Fate fate) {
  const std::scoped_lock hold(lock_);
  fate_ = std::move(fate);
}

std::vector<Exchange> TestProxy::exchanges() const {
  const std::scoped_lock hold(lock_);
  return exchanges_;
}

void TestProxy::accept_all() {
  for (;;) {
    sys::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) return;
    const std::scoped_lock hold(lock_);
    const sys::UniqueFd& kept = clients_.emplace_back(std::move(client));
    threads_.emplace_back([this, &kept] {
      serve(kept);
      ::shutdown(kept.get(), SHUT_RDWR);
    });
  }
}

// One request per connection: everything is told to close it afterwards.
void TestProxy::serve(const sys::UniqueFd& client) {
  std::string request;
  while (request.find(kHeadEnd) == std::string::npos)
    if (!receive(client, request)) return;
  const std::size_t head = request.find(kHeadEnd) + kHeadEnd.size();
  Exchange exchange{.head = request.substr(0, head),
                    .body_bytes = length_in(request.substr(0, head))};
  std::istringstream(request) >> exchange.method >> exchange.target;
  Fault fault;
  std::size_t index = 0;
  {
    const std::scoped_lock hold(lock_);
    fault = fate_(exchange, exchanges_);
    index = exchanges_.size();
    exchanges_.push_back(exchange);
  }
  if (fault.kind == Fault::Kind::kCutRequest) {
    (void)read_request(client, request, head + fault.bytes);
    return;
  }
  if (!read_request(client, request, head + exchange.body_bytes)) return;
  if (fault.kind == Fault::Kind::kStall) return wait_until_gone(client);
  if (fault.kind == Fault::Kind::kAnswer) return send_all(client, own_answer(fault));
  if (fault.kind == Fault::Kind::kSpoil) request.back() ^= 1;
  request.insert(head - 2, "Connection: close\r\n");
  pass(client, request, fault, index);
}

void TestProxy::pass(const sys::UniqueFd& client, const std::string& request, const Fault& fault,
                     std::size_t index) {
  const sys::UniqueFd server = connect_to(upstream_);
  send_all(server, request);
  std::string answer;
  while (receive(server, answer)) {
  }
  if (fault.kind == Fault::Kind::kSpoilAnswer) return send_all(client, own_answer(fault));
  if (fault.kind == Fault::Kind::kStallAfter || fault.kind == Fault::Kind::kCutAnswer) {
    const std::size_t head = answer.find(kHeadEnd) + kHeadEnd.size();
    send_all(client, std::string_view(answer).substr(0, head + fault.bytes));
    if (fault.kind == Fault::Kind::kStallAfter) wait_until_gone(client);
    return;
  }
  {
    const std::scoped_lock hold(lock_);
    exchanges_[index].answered = true;
  }
  send_all(client, answer);
}

}  // namespace reprise::remote
