// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <string>

#include "crypto/internal/derive.h"

namespace reprise::crypto {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

struct Free {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

}  // namespace

Result<Secret> derive(const Secret& secret, std::string_view info, std::size_t bytes) {
  Secret derived = REPRISE_PASS(Secret::zeros(bytes));
  const std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Free> context(EVP_KDF_CTX_new(kdf.get()));
  if (context == nullptr)
    return fail(ErrorCode::kUnsupported, "OpenSSL on this host does not offer HKDF");
  // Parameters are pointers to what is not const, and only read.
  std::string digest = "SHA256";
  std::string use(info);
  auto* key = const_cast<std::byte*>(secret.view().data());
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, use.data(), use.size()),
      OSSL_PARAM_construct_end()};
  if (EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(derived.bytes().data()), bytes,
                     parameters.data()) != 1)
    return fail(ErrorCode::kInternal, "OpenSSL failed to derive a key");
  return derived;
}

}  // namespace reprise::crypto
