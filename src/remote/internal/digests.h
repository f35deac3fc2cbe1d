// SPDX-License-Identifier: Apache-2.0
//
// The digests by which S3 checks what it gets.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"
#include "crypto/sha256.h"
#include "http/body.h"

namespace reprise::remote {

using base::Result;

struct Digests {
  std::array<std::byte, 16> md5;
  crypto::Sha256::Digest sha256;
};

// Reads all of it.
Result<Digests> digest(const http::Body& body);

std::string to_base64(std::span<const std::byte> bytes);

}  // namespace reprise::remote
