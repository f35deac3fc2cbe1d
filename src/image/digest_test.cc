// SPDX-License-Identifier: Apache-2.0
#include "image/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

namespace reprise::image {
namespace {

// XXH3-128 with seed 0 in its canonical (big endian) form: what stored checkpoints rely on.
TEST(DigestTest, KnownValues) {
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(DigestTest, PiecesGiveTheDigestOfTheWhole) {
  std::string data;
  for (int i = 0; i < 5000; ++i) data += static_cast<char>(i * 7);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{63}, std::size_t{256}, data.size()}) {
    Digester digester;
    for (std::size_t at = 0; at < data.size(); at += piece)
      digester.update(std::span(data).subspan(at, std::min(piece, data.size() - at)));
    EXPECT_EQ(digester.hex(), digest_of(data)) << piece;
  }
}

TEST(DigestTest, Form) {
  EXPECT_TRUE(is_digest("99aa06d3014798d86001c324468d497f"));
  EXPECT_FALSE(is_digest("99AA06d3014798d86001c324468d497f"));
  EXPECT_FALSE(is_digest("99aa06d3014798d86001c324468d497"));
  EXPECT_FALSE(is_digest("99aa06d3014798d86001c324468d497g"));
  EXPECT_FALSE(is_digest(""));
}

}  // namespace
}  // namespace reprise::image
