// SPDX-License-Identifier: Apache-2.0
//
// A server without TLS, for what anybody who reaches the address may know: whether a program is
// well, and its metrics. It takes little from anybody, and little can be taken from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace reprise::http {

struct PlainAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// Gets the path, without what follows '?'. Called by several threads at once.
using PlainHandler = std::function<PlainAnswer(const std::string& path)>;

// Answers GET and HEAD, one request for each connection, on threads of its own, until it is
// dropped, which takes `patience` at most if the handlers are quick. A request has `patience` and
// 8 KiB; beyond 16 at once connections are closed unanswered.
class PlainServer {
 public:
  virtual ~PlainServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

// `address`: HOST:PORT, HOST one of our own addresses ("127.0.0.1", "[::1]"), port 0 any that is
// free. kInvalidInput if it is none; kBusy if it is taken.
base::Result<std::unique_ptr<PlainServer>> start_plain_server(
    const std::string& address, PlainHandler handler,
    std::chrono::milliseconds patience = std::chrono::milliseconds{2000});

}  // namespace reprise::http
