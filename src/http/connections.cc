// SPDX-License-Identifier: Apache-2.0
#include "http/internal/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>
#include <tuple>
#include <utility>

namespace reprise::http {

namespace {

constexpr std::uint16_t kNoPort = 0;

struct Endpoint {
  std::string address;
  int port = kNoPort;
};

using NameOf = int (*)(int, sockaddr*, socklen_t*);

Endpoint endpoint(int socket, NameOf name_of) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* const generic = reinterpret_cast<sockaddr*>(&storage);
  if (name_of(socket, generic, &length) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET6) {
    const auto* const six = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &six->sin6_addr, text.data(), text.size());
    return {.address = text.data(), .port = ntohs(six->sin6_port)};
  }
  const auto* const four = reinterpret_cast<const sockaddr_in*>(&storage);
  ::inet_ntop(AF_INET, &four->sin_addr, text.data(), text.size());
  return {.address = text.data(), .port = ntohs(four->sin_port)};
}

// Whether the socket is ready, or has failed, before `deadline`.
bool wait_for(int socket, short events, TlsConnection::Clock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - TlsConnection::Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{.fd = socket, .events = events, .revents = 0};
    const int count = ::poll(&ready, 1, static_cast<int>(std::min<long>(left.count(), INT_MAX)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
}

}  // namespace

void Connections::add(int socket) {
  Connection connection{.address = endpoint(socket, &::getpeername).address};
  const std::scoped_lock lock(mutex_);
  connection.since = next_++;
  ++strangers_[connection.address];
  connections_[socket] = std::move(connection);
  if (ended_) ::shutdown(socket, SHUT_RDWR);
}

void Connections::set(int socket, State state) {
  const std::scoped_lock lock(mutex_);
  Connection& connection = connections_[socket];
  if (connection.state == State::kStranger && state != State::kStranger)
    if (--strangers_[connection.address] == 0) strangers_.erase(connection.address);
  connection.state = state;
  connection.since = next_++;
  if (ended_ && state == State::kIdle) ::shutdown(socket, SHUT_RDWR);
}

void Connections::remove(int socket) {
  set(socket, State::kBusy);
  const std::scoped_lock lock(mutex_);
  connections_.erase(socket);
}

bool Connections::is_worse(const Connection& one, const Connection& other) const {
  const auto rank = [this](const Connection& connection) {
    const auto crowd = strangers_.find(connection.address);
    const bool stranger = connection.state == State::kStranger;
    return std::tuple(stranger, stranger && crowd != strangers_.end() ? crowd->second : 0);
  };
  if (rank(one) != rank(other)) return rank(one) > rank(other);
  return one.since < other.since;
}

void Connections::make_room() {
  const std::scoped_lock lock(mutex_);
  auto worst = connections_.end();
  for (auto at = connections_.begin(); at != connections_.end(); ++at) {
    if (at->second.state == State::kBusy) continue;
    if (worst == connections_.end() || is_worse(at->second, worst->second)) worst = at;
  }
  if (worst == connections_.end()) return;
  ::shutdown(worst->first, SHUT_RDWR);
  // It goes as soon as its thread sees that, and is not to be chosen again until then.
  if (worst->second.state == State::kStranger)
    if (--strangers_[worst->second.address] == 0) strangers_.erase(worst->second.address);
  worst->second.state = State::kBusy;
}

void Connections::end() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  for (const auto& [socket, connection] : connections_)
    if (connection.state != State::kBusy) ::shutdown(socket, SHUT_RDWR);
}

void ConnectionThreads::enqueue(std::function<void()> job) {
  const std::scoped_lock lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_one();
  if (idle_ >= jobs_.size()) return;
  if (threads_.size() < most_) {
    try {
      threads_.emplace_back([this] { work(); });
      return;
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
      // The host has no more threads for us: as if these were all that we want.
    }
  }
  connections_.make_room();
}

void ConnectionThreads::shutdown() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  connections_.end();
  for (std::thread& thread : threads_) thread.join();
}

void ConnectionThreads::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    ++idle_;
    changed_.wait(lock, [this] { return !jobs_.empty() || ended_; });
    --idle_;
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
  }
}

TlsConnection::TlsConnection(SSL_CTX& context, int socket, const Limits& limits)
    : socket_(socket),
      limits_(limits),
      ssl_(SSL_new(&context)),
      deadline_(Clock::now() + limits.patience),
      left_(limits.header_bytes) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  if (ssl_ == nullptr || SSL_set_fd(ssl_.get(), socket) != 1) {
    failed_ = true;
    return;
  }
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsConnection::~TlsConnection() {
  if (!failed_) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

TlsConnection* TlsConnection::of(const httplib::Request& request) {
  return static_cast<TlsConnection*>(SSL_get_app_data(request.ssl));
}

template <typename Step>
int TlsConnection::drive(Step step, Clock::time_point deadline) {
  while (!failed_) {
    ERR_clear_error();
    const int done = step();
    if (done > 0) return done;
    const int error = SSL_get_error(ssl_.get(), done);
    const bool reads = error == SSL_ERROR_WANT_READ;
    failed_ = (!reads && error != SSL_ERROR_WANT_WRITE) ||
              !wait_for(socket_, reads ? POLLIN : POLLOUT, deadline);
  }
  return -1;
}

bool TlsConnection::shake_hands() {
  return drive([this] { return SSL_accept(ssl_.get()); }, deadline_) > 0;
}

bool TlsConnection::await_request() {
  if (failed_ || finished_) return false;
  if (!trusted_) return true;
  if (SSL_pending(ssl_.get()) == 0 && !wait_for(socket_, POLLIN, Clock::now() + limits_.idle))
    return false;
  deadline_ = Clock::now() + limits_.patience;
  left_ = limits_.header_bytes;
  return true;
}

bool TlsConnection::is_readable() const {
  return !failed_ && (SSL_pending(ssl_.get()) > 0 || wait_for(socket_, POLLIN, deadline_));
}

ssize_t TlsConnection::read(char* ptr, size_t size) {
  const std::size_t most = std::min({size, left_, std::size_t{INT_MAX}});
  if (most == 0) failed_ = true;
  const int got =
      drive([&] { return SSL_read(ssl_.get(), ptr, static_cast<int>(most)); }, deadline_);
  if (got > 0) left_ -= static_cast<std::size_t>(got);
  return got;
}

ssize_t TlsConnection::write(const char* ptr, size_t size) {
  const auto deadline = trusted_ ? Clock::now() + limits_.patience : deadline_;
  const int most = static_cast<int>(std::min(size, std::size_t{INT_MAX}));
  return drive([&] { return SSL_write(ssl_.get(), ptr, most); }, deadline);
}

void TlsConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  std::tie(ip, port) = [](Endpoint it) {
    return std::pair(std::move(it.address), it.port);
  }(endpoint(socket_, &::getpeername));
}

void TlsConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  std::tie(ip, port) = [](Endpoint it) {
    return std::pair(std::move(it.address), it.port);
  }(endpoint(socket_, &::getsockname));
}

}  // namespace reprise::http
