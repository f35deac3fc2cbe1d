// SPDX-License-Identifier: Apache-2.0
//
// The digest by which damage of checkpoint data is found: XXH3-128.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace reprise::image {

// Length of a digest as text: lower-case hex.
inline constexpr std::size_t kDigestLength = 32;

// Digests data that comes in pieces. Finds damage, not forgery: XXH3 is not cryptographic.
class Digester {
 public:
  Digester();
  void update(std::span<const char> data);
  // Digest of everything so far; more may follow.
  [[nodiscard]] std::string hex() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

std::string digest_of(std::string_view data);

// Whether `text` has the form of a digest.
bool is_digest(std::string_view text);

}  // namespace reprise::image
