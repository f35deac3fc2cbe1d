// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/body.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace reprise::remote {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

Result<void> Body::read(std::uint64_t at, std::span<std::byte> out) const {
  REPRISE_ASSERT(at + out.size() <= bytes_);
  if (file_ < 0) {
    std::memcpy(out.data(), text_.data() + at, out.size());
    return {};
  }
  while (!out.empty()) {
    const ssize_t got = ::pread(file_, out.data(), out.size(), static_cast<off_t>(offset_ + at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "reading what is to be sent");
    if (got == 0) return fail(ErrorCode::kCorrupt, "the file became shorter while it was sent");
    at += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Result<Context> begin(const EVP_MD* kind) {
  Context context(EVP_MD_CTX_new());
  if (context != nullptr && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1) return context;
  return std::unexpected(base::Error(ErrorCode::kUnsupported, "OpenSSL here lacks MD5 or SHA-256")
                             .with_hint("object stores need MD5: allow it in OpenSSL's "
                                        "configuration (FIPS mode forbids it)"));
}

}  // namespace

Result<Digests> digest(const Body& body) {
  const Context md5 = REPRISE_PASS(begin(EVP_md5()));
  const Context sha256 = REPRISE_PASS(begin(EVP_sha256()));
  constexpr std::uint64_t kPiece = std::uint64_t{256} << 10;  // stays in the cache
  std::vector<std::byte> piece(std::min(kPiece, body.bytes()));
  for (std::uint64_t at = 0; at < body.bytes(); at += kPiece) {
    const auto part = std::span(piece).first(std::min(kPiece, body.bytes() - at));
    REPRISE_PASS(body.read(at, part));
    EVP_DigestUpdate(md5.get(), part.data(), part.size());
    EVP_DigestUpdate(sha256.get(), part.data(), part.size());
  }
  Digests digests{};
  EVP_DigestFinal_ex(md5.get(), reinterpret_cast<unsigned char*>(digests.md5.data()), nullptr);
  EVP_DigestFinal_ex(sha256.get(), reinterpret_cast<unsigned char*>(digests.sha256.data()),
                     nullptr);
  return digests;
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
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
