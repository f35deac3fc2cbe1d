// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.h"

#include <gtest/gtest.h>

#include <string_view>

#include "crypto/hex.h"

namespace reprise::crypto {
namespace {

// FIPS 180-4, examples of SHA-256.
TEST(Sha256Test, IsThatOfTheStandardHoweverItsDataComes) {
  Sha256 whole;
  whole.update(std::as_bytes(std::span(std::string_view("abc"))));
  const Sha256::Digest digest = whole.finish();
  EXPECT_EQ(to_hex(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 pieces;
  for (const std::string_view piece : {"a", "", "bc"})
    pieces.update(std::as_bytes(std::span(piece)));
  EXPECT_EQ(pieces.finish(), digest);
  EXPECT_EQ(to_hex(Sha256().finish()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace reprise::crypto
