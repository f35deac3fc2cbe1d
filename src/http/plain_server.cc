// SPDX-License-Identifier: Apache-2.0
#include "http/plain_server.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "sys/unique_fd.h"

namespace reprise::http {

using base::Error;
using base::ErrorCode;
using base::fail_errno;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kAcceptPace{200};
constexpr std::size_t kMostBytes = std::size_t{8} << 10;
constexpr int kMostAtOnce = 16;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

bool await(int socket, short events, steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  pollfd one{.fd = socket, .events = events, .revents = 0};
  return left.count() > 0 && ::poll(&one, 1, static_cast<int>(left.count())) > 0;
}

// The request's line and headers; empty if they do not come in time, or are too many.
std::string read_head(int socket, steady_clock::time_point deadline) {
  std::string head;
  std::array<char, 1024> piece{};
  while (head.size() < kMostBytes && await(socket, POLLIN, deadline)) {
    const ssize_t got = ::recv(socket, piece.data(), piece.size(), 0);
    if (got <= 0) return {};
    head.append(piece.data(), static_cast<std::size_t>(got));
    if (head.contains(kEndOfHead)) return head;
  }
  return {};
}

void write_all(int socket, std::string_view text, steady_clock::time_point deadline) {
  while (!text.empty() && await(socket, POLLOUT, deadline)) {
    const ssize_t put = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno != EAGAIN && errno != EINTR) return;
    if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

std::string written(const PlainAnswer& answer, bool with_body) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                     std::string(reason_of(answer.status)) + "\r\nContent-Type: " + answer.type +
                     "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                     "\r\nConnection: close\r\n\r\n";
  return with_body ? text + answer.body : text;
}

std::string answer_to(std::string_view head, const PlainHandler& handler) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' ');
  const std::size_t second = line.rfind(' ');
  if (second <= first || second == std::string_view::npos ||
      !line.substr(second).starts_with(" HTTP/1."))
    return written({.status = 400, .body = "this is no request\n"}, true);
  const std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, second - first - 1);
  if (method != "GET" && method != "HEAD")
    return written({.status = 405, .body = "there is nothing but to read here\n"}, true);
  return written(handler(std::string(target.substr(0, target.find('?')))), method == "GET");
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<sys::UniqueFd> listen_at(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (colon == std::string::npos || host.empty() ||
      ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &list) != 0)
    return std::unexpected(Error(ErrorCode::kInvalidInput, "'" + address + "' is no address")
                               .with_hint("give ADDRESS:PORT, such as 127.0.0.1:7435"));
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  sys::UniqueFd socket(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno(errno, "making a socket");
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), list->ai_addr, list->ai_addrlen) != 0 ||
      ::listen(socket.get(), kMostAtOnce) != 0)
    return std::unexpected(Error(ErrorCode::kBusy, "'" + address + "' cannot be listened on")
                               .with_hint("another program may have it: give another address"));
  return socket;
}

class PlainServerImpl final : public PlainServer {
 public:
  PlainServerImpl(sys::UniqueFd socket, PlainHandler handler, milliseconds patience)
      : socket_(std::move(socket)),
        handler_(std::move(handler)),
        patience_(patience),
        thread_([this] { run(); }) {}
  ~PlainServerImpl() override {
    stop_ = true;
    thread_.join();
    std::unique_lock hold(lock_);
    left_.wait(hold, [this] { return busy_ == 0; });
  }
  PlainServerImpl(const PlainServerImpl&) = delete;
  PlainServerImpl& operator=(const PlainServerImpl&) = delete;
  [[nodiscard]] std::uint16_t port() const override {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    // The port is at the same place for both families.
    const auto* bytes = reinterpret_cast<const unsigned char*>(&bound) + 2;
    return static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]);
  }

 private:
  void run() {
    while (!stop_) {
      if (!await(socket_.get(), POLLIN, steady_clock::now() + kAcceptPace)) continue;
      sys::UniqueFd one(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!one.valid()) {
        std::this_thread::sleep_for(kAcceptPace);  // out of descriptors: it would come at once
        continue;
      }
      {
        const std::lock_guard hold(lock_);
        if (busy_ == kMostAtOnce) continue;
        ++busy_;
      }
      std::thread([this, one = std::move(one)] {
        serve(one.get());
        const std::lock_guard hold(lock_);
        --busy_;
        left_.notify_all();
      }).detach();
    }
  }
  void serve(int socket) {
    const auto deadline = steady_clock::now() + patience_;
    const std::string head = read_head(socket, deadline);
    if (!head.empty()) write_all(socket, answer_to(head, handler_), deadline);
    ::shutdown(socket, SHUT_RDWR);
  }

  sys::UniqueFd socket_;
  PlainHandler handler_;
  const milliseconds patience_;
  std::atomic<bool> stop_ = false;
  std::mutex lock_;
  std::condition_variable left_;
  int busy_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<PlainServer>> start_plain_server(const std::string& address,
                                                        PlainHandler handler,
                                                        milliseconds patience) {
  auto socket = REPRISE_PASS(listen_at(address));
  return std::make_unique<PlainServerImpl>(std::move(socket), std::move(handler), patience);
}

}  // namespace reprise::http
