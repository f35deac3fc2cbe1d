// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <sys/random.h>

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

Error internal::no_name(std::string_view text) {
  return {ErrorCode::kInvalidInput, "'" + std::string(text) + "' is not a valid name"};
}

Result<std::string> parse_id(std::string_view text) {
  if (!internal::is_id(text)) return std::unexpected(internal::no_name(text));
  return std::string(text);
}

namespace {

ContainerKey key_of(std::string_view scope, const std::string& name) {
  const std::string text = scope.empty() ? name : std::string(scope) + "/" + name;
  const auto key = ContainerKey::parse(text);
  REPRISE_ASSERT(key);
  return *key;
}

}  // namespace

ContainerKey key_in(std::string_view scope, const ContainerId& id) {
  return id.empty() ? ContainerKey() : key_of(scope, id.str());
}

ContainerKey key_in(std::string_view scope, const KeyName& name) {
  return name.empty() ? ContainerKey() : key_of(scope, "@" + name.str());
}

}  // namespace reprise::base
