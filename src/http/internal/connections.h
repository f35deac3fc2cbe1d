// SPDX-License-Identifier: Apache-2.0
//
// The connections of a server: one that reads and writes within bounds, and all that there are.
#pragma once

#include <httplib.h>
#include <openssl/ssl.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/limits.h"
#include "sys/unique_fd.h"

namespace reprise::http {

// All connections that have a thread. Any number of threads may use it at once.
class Connections {
 public:
  enum class State : std::uint8_t { kStranger, kIdle, kBusy };

  void add(int socket);
  void set(int socket, State state);
  // Before the socket is closed: its number may be another's at once.
  void remove(int socket);
  // Cuts off the oldest stranger of the address that has most of them, else the connection that
  // has been idle for longest. Whoever asks may read, and has done nothing wrong by being slower.
  void make_room();
  // Cuts off all that wait for their side, now and from now on.
  void end();

 private:
  struct Connection {
    State state = State::kStranger;
    std::string address;
    std::uint64_t since = 0;  // order in which they came into this state
  };
  // A worse one comes first.
  [[nodiscard]] bool is_worse(const Connection& one, const Connection& other) const;

  std::mutex mutex_;
  std::map<int, Connection> connections_;
  std::map<std::string, std::size_t> strangers_;  // of each address
  std::uint64_t next_ = 0;
  bool ended_ = false;
};

// Threads for connections: as many as needed, up to a limit. When all of them are in use, whoever
// comes makes another connection go.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  ConnectionThreads(Connections& connections, std::size_t most)
      : connections_(connections), most_(most) {}

  void enqueue(std::function<void()> job) override;
  void shutdown() override;

 private:
  void work();

  Connections& connections_;
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool ended_ = false;
};

// One connection over TLS. A read or write beyond what is allowed fails, and so does all after it.
class TlsConnection final : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  TlsConnection(SSL_CTX& context, int socket, const Limits& limits);
  ~TlsConnection() override;
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  // The same connection, of a request that came by it.
  static TlsConnection* of(const httplib::Request& request);

  bool shake_hands();
  // Waits for a request to begin; from then on its time runs and its bytes are counted, except that
  // a stranger's first has what is left of the time since the connection was made.
  bool await_request();
  void trust() { trusted_ = true; }
  [[nodiscard]] bool is_trusted() const { return trusted_; }
  // No further request is taken from this connection.
  void finish() { finished_ = true; }
  [[nodiscard]] bool is_finished() const { return finished_; }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }

  [[nodiscard]] bool is_readable() const override;
  [[nodiscard]] bool is_writable() const override { return !failed_; }
  ssize_t read(char* ptr, size_t size) override;
  ssize_t write(const char* ptr, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  [[nodiscard]] socket_t socket() const override { return socket_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  // Repeats `step` until it has done something or `deadline` has passed.
  template <typename Step>
  int drive(Step step, Clock::time_point deadline);

  int socket_;
  Limits limits_;
  std::unique_ptr<SSL, Free> ssl_;
  Clock::time_point deadline_;  // of handshake, request line and headers
  std::size_t left_;            // bytes of them
  bool trusted_ = false;
  bool failed_ = false;
  bool finished_ = false;
};

}  // namespace reprise::http
