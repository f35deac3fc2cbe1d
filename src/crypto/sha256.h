// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 without a key, for formats of others that ask for it (S3, OCI). Pages are told apart by
// page_hash.h.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

struct evp_md_ctx_st;

namespace reprise::crypto {

// Of data that comes in pieces.
class Sha256 {
 public:
  using Digest = std::array<std::byte, 32>;

  Sha256();
  void update(std::span<const std::byte> data);
  // Of everything so far. Once; nothing may follow.
  Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace reprise::crypto
