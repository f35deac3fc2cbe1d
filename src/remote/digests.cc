// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/digests.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace reprise::remote {

using base::ErrorCode;

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Result<Context> begin_md5() {
  Context context(EVP_MD_CTX_new());
  if (context != nullptr && EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) == 1)
    return context;
  return std::unexpected(base::Error(ErrorCode::kUnsupported, "OpenSSL here lacks MD5")
                             .with_hint("object stores need MD5: allow it in OpenSSL's "
                                        "configuration (FIPS mode forbids it)"));
}

}  // namespace

Result<Digests> digest(const http::Body& body) {
  const Context md5 = REPRISE_PASS(begin_md5());
  crypto::Sha256 sha256;
  constexpr std::uint64_t kPiece = std::uint64_t{256} << 10;  // stays in the cache
  std::vector<std::byte> piece(std::min(kPiece, body.bytes()));
  for (std::uint64_t at = 0; at < body.bytes(); at += kPiece) {
    const auto part = std::span(piece).first(std::min(kPiece, body.bytes() - at));
    REPRISE_PASS(body.read(at, part));
    EVP_DigestUpdate(md5.get(), part.data(), part.size());
    sha256.update(part);
  }
  Digests digests{};
  EVP_DigestFinal_ex(md5.get(), reinterpret_cast<unsigned char*>(digests.md5.data()), nullptr);
  digests.sha256 = sha256.finish();
  return digests;
}

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a zero
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace reprise::remote
