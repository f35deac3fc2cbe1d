// SPDX-License-Identifier: Apache-2.0
//
// Authenticated encryption: AES-256-GCM, as docs/format/keys.md lays it out.
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "crypto/secret.h"

namespace reprise::crypto {

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kKeyBytes = 32;
// By how much a sealed message is longer than the plain one.
inline constexpr std::size_t kSealOverhead = kNonceBytes + kTagBytes;
// Longest plain message and longest `bound`.
inline constexpr std::size_t kSealLimit = std::size_t{1} << 30;

// Seals and opens messages under one key. Any number of threads may use one object at once.
//
// Nonces are random: one key is good for 2^32 messages (NIST SP 800-38D, 8.3). That is a petabyte
// in messages of 256 KiB, and the caller's to count where it could be reached.
//
// During a call OpenSSL holds the expanded key in its ordinary heap, and wipes it at the end of the
// call. So no object of this class keeps key material outside of a Secret between calls.
class Aead {
 public:
  // Copies the key. kInvalidInput unless it has kKeyBytes.
  static Result<Aead> with_key(const Secret& key);

  // Makes `out`: nonce | ciphertext | tag. `bound` is authenticated, not stored; `open` must be
  // given the same. `out` must not overlap the others; reusing it for messages of like size saves
  // an allocation each. kInvalidInput above kSealLimit. After a failure `out` is empty.
  Result<void> seal(std::span<const std::byte> plain, std::span<const std::byte> bound,
                    std::vector<std::byte>& out) const;

  // As `seal`, of a message that lies in parts, into the caller's memory. `out` must have exactly
  // their bytes and kSealOverhead (kInvalidInput); after a failure it must not be used.
  Result<void> seal_into(std::span<const std::span<const std::byte>> parts,
                         std::span<const std::byte> bound, std::span<std::byte> out) const;

  // Makes `out`: the plain message. kCorrupt if `sealed` is not what `seal` made with the same key
  // and `bound`; `out` is then empty, and what was decrypted is wiped.
  Result<void> open(std::span<const std::byte> sealed, std::span<const std::byte> bound,
                    std::vector<std::byte>& out) const;

  // As `open`, into the caller's memory, which may be a Secret's. `out` must have exactly
  // sealed.size() - kSealOverhead bytes (kInvalidInput); after a failure they are zero.
  Result<void> open_into(std::span<const std::byte> sealed, std::span<const std::byte> bound,
                         std::span<std::byte> out) const;

 private:
  struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const;
  };
  using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;
  Aead(Secret key, Cipher cipher) : key_(std::move(key)), cipher_(std::move(cipher)) {}

  Secret key_;
  Cipher cipher_;
};

}  // namespace reprise::crypto
