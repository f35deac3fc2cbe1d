// SPDX-License-Identifier: Apache-2.0
//
// An answer of the API server that comes piece by piece: a watch.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "http/client.h"

namespace reprise::kube {

using base::Result;

// Ends with the `stop` that it was opened with.
class Stream {
 public:
  Stream(std::shared_ptr<http::Client> client, std::unique_ptr<http::Exchange> exchange)
      : client_(std::move(client)), exchange_(std::move(exchange)) {}
  // 0 is the end, as the server told it. Errors: http/client.h.
  Result<std::size_t> read(std::span<std::byte> out) { return exchange_->read(out); }

 private:
  std::shared_ptr<http::Client> client_;  // outlives the exchange
  std::unique_ptr<http::Exchange> exchange_;
};

}  // namespace reprise::kube
