// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.h"

#include <openssl/evp.h>

#include "base/result.h"

namespace reprise::crypto {

// OpenSSL has SHA-256 in every configuration, so that only memory could lack here.

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  REPRISE_ASSERT(context_ != nullptr);
  REPRISE_ASSERT(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(std::span<const std::byte> data) {
  REPRISE_ASSERT(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

Sha256::Digest Sha256::finish() {
  Digest digest{};
  REPRISE_ASSERT(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                    nullptr) == 1);
  return digest;
}

}  // namespace reprise::crypto
