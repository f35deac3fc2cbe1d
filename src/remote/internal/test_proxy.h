// SPDX-License-Identifier: Apache-2.0
//
// For tests only: stands between client and server and does what networks and servers do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sys/unique_fd.h"

namespace reprise::remote {

struct Fault {
  enum class Kind : unsigned char {
    kNone,        // passes both ways
    kAnswer,      // answers `status` and `text` itself
    kStall,       // reads the request and says nothing until the client goes
    kStallAfter,  // passes `bytes` of the answer, then says nothing until the client goes
    kCutAnswer,   // passes `bytes` of the answer, then closes
    kCutRequest,  // reads `bytes` of the request, then closes
    kSpoil,       // passes the request with its last byte changed
    kSpoilAnswer  // passes the request, and answers `status` and `text` whatever the server says
  };
  Kind kind = Kind::kNone;
  int status = 0;
  std::string text;
  std::size_t bytes = 0;
};

struct Exchange {
  std::string method;
  std::string target;  // path and query
  std::string head;    // the whole of it
  std::size_t body_bytes = 0;
  bool answered = false;  // by the server, wholly passed on
};

// Decides about each request, with all that came before it; called by one thread at a time.
using Fate = std::function<Fault(const Exchange&, const std::vector<Exchange>& before)>;

class TestProxy {
 public:
  TestProxy(std::uint16_t upstream, Fate fate);
  ~TestProxy();
  TestProxy(const TestProxy&) = delete;
  TestProxy& operator=(const TestProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void set_fate(Fate fate);
  // What came so far.
  [[nodiscard]] std::vector<Exchange> exchanges() const;

 private:
  void accept_all();
  void serve(const sys::UniqueFd& client);
  void pass(const sys::UniqueFd& client, const std::string& request, const Fault& fault,
            std::size_t index);

  std::uint16_t upstream_;
  std::uint16_t port_ = 0;
  sys::UniqueFd listener_;
  mutable std::mutex lock_;
  Fate fate_;
  std::vector<Exchange> exchanges_;
  std::list<sys::UniqueFd> clients_;
  std::list<std::jthread> threads_;
  std::jthread accepting_;
};

}  // namespace reprise::remote
