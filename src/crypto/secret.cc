// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string>

namespace reprise::crypto {

using base::ErrorCode;
using base::fail;

namespace {

enum class Arena : unsigned char { kNone, kNotLocked, kLocked };

// OpenSSL's heap rather than mlock of our own: it has guard pages, its lock covers whole pages that
// hold nothing else (unlocking one of two secrets in a page would unlock both), and TLS keys get in
// as well. Left alone at exit: secrets in static objects may outlive any order of ours.
Arena arena() {
  static const Arena kind = [] {
    // Somebody else may have made it; then how is not told.
    if (CRYPTO_secure_malloc_initialized() == 1) return Arena::kLocked;
    constexpr std::size_t kLeastBlock = 32;  // a key
    switch (CRYPTO_secure_malloc_init(Secret::kArenaBytes, kLeastBlock)) {
      case 1:
        return Arena::kLocked;
      case 2:
        return Arena::kNotLocked;
      default:
        return Arena::kNone;
    }
  }();
  return kind;
}

}  // namespace

// The secure heap wipes what it takes back.
void Secret::WipeAndFree::operator()(std::byte* data) const { OPENSSL_secure_free(data); }

Result<Secret> Secret::zeros(std::size_t bytes) {
  if (bytes == 0) return fail(ErrorCode::kInvalidInput, "a secret of no bytes");
  // Without an arena OPENSSL_secure_malloc would hand out ordinary memory.
  void* data = arena() == Arena::kNone ? nullptr : OPENSSL_secure_zalloc(bytes);
  if (data == nullptr)
    return fail(ErrorCode::kBusy,
                "no protected memory for a secret of " + std::to_string(bytes) + " bytes");
  return Secret(static_cast<std::byte*>(data), bytes);
}

Result<Secret> Secret::random(std::size_t bytes) {
  Secret secret = REPRISE_PASS(zeros(bytes));
  if (RAND_priv_bytes_ex(nullptr, reinterpret_cast<unsigned char*>(secret.bytes().data()), bytes,
                         /*strength=*/256) != 1)
    return fail(ErrorCode::kInternal, "OpenSSL has no random bytes");
  return secret;
}

Result<Secret> Secret::copy_of(std::span<const std::byte> bytes) {
  Secret secret = REPRISE_PASS(zeros(bytes.size()));
  std::ranges::copy(bytes, secret.bytes().begin());
  return secret;
}

bool Secret::is_locked() { return arena() == Arena::kLocked; }

void wipe(std::span<std::byte> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

}  // namespace reprise::crypto
