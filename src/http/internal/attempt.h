// SPDX-License-Identifier: Apache-2.0
//
// One try of one request: what libcurl is told, and what it tells.
#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "http/client.h"

namespace reprise::http {

struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeHeaders>;

struct Attempt {
  const Request& request;
  CURL* handle;
  Response response;
  std::uint64_t sent = 0;                             // bytes of the body
  std::optional<base::Error> failure = std::nullopt;  // of ours, in a callback
  std::array<char, CURL_ERROR_SIZE> trouble{};        // what libcurl says in words

  // Tells `handle` about the request. The list, and the attempt, which must not move, are in use
  // until it is told of another.
  HeaderList set_up(const ClientOptions& options);
  // False if the answer may have been cut off without anybody's notice.
  [[nodiscard]] bool is_whole() const;

 private:
  static std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t on_send(char* data, std::size_t size, std::size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  Result<void> take(std::span<const std::byte> data);
};

}  // namespace reprise::http
