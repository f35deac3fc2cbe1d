// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace reprise::base {
namespace {

// A number below `bound`, each equally likely: 64 random bits leave no bias that could matter.
std::size_t random_below(std::size_t bound) {
  std::uint64_t bits = 0;
  ssize_t n = 0;
  do n = ::getrandom(&bits, sizeof bits, 0);
  while (n < 0 && errno == EINTR);
  REPRISE_ASSERT(n == static_cast<ssize_t>(sizeof bits));
  return bits % bound;
}

}  // namespace

std::string random_id() {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t kLetters = 26;
  constexpr std::size_t kLength = 12;
  std::string id(1, kAlphabet[random_below(kLetters)]);
  while (id.size() < kLength) id += kAlphabet[random_below(kAlphabet.size())];
  return id;
}

Result<std::string> parse_id(std::string_view text) {
  constexpr std::size_t kMaxLength = 128;
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  if (text.empty() || text.size() > kMaxLength || text.front() == '.' || text.front() == '-' ||
      !std::ranges::all_of(text, allowed))
    return fail(ErrorCode::kInvalidInput, "'" + std::string(text) + "' is not a valid name");
  return std::string(text);
}

}  // namespace reprise::base
