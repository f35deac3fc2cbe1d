// SPDX-License-Identifier: Apache-2.0
#include "daemon/claim_token.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <span>

#include "base/bytes.h"
#include "crypto/hex.h"
#include "crypto/sha256.h"

namespace reprise::daemon {

base::Result<crypto::SecretText> make_claim_token() {
  std::array<std::byte, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != std::ssize(bytes))
    return std::unexpected(base::Error::from_errno(errno, "making a token"));
  return crypto::SecretText(crypto::to_hex(bytes));
}

std::string hash_of(std::string_view token) {
  crypto::Sha256 hash;
  hash.update(base::as_bytes(token));
  return crypto::to_hex(hash.finish());
}

}  // namespace reprise::daemon
