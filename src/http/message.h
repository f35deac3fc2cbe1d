// SPDX-License-Identifier: Apache-2.0
//
// What is asked, and what is answered.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "http/body.h"

namespace reprise::http {

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::optional<Body> body;
  // The body has no known length, and is written piece by piece (Exchange::write()) instead.
  bool written = false;
  // Client::perform() only: where the body of an answer goes that is a success; without it, to
  // Response::body, of at most `limit` bytes.
  std::optional<std::span<std::byte>> into;
  std::size_t limit = std::size_t{64} << 20;
  // Takes the place of Patience::stall for a request that may well take the other side longer.
  std::optional<std::chrono::seconds> stall = std::nullopt;
  // Ends the transfer with kGone when it becomes true; may be null.
  const std::atomic<bool>* stop = nullptr;
};

// How an answer begins.
struct Head {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  [[nodiscard]] bool success() const { return status >= 200 && status < 300; }
};

struct Response : Head {
  std::string body;
  std::size_t received = 0;  // bytes of the body
};

}  // namespace reprise::http
