// SPDX-License-Identifier: Apache-2.0
#include "image/digest.h"

#include <gtest/gtest.h>

namespace reprise::image {
namespace {

// XXH3-128 with seed 0 in its canonical (big endian) form: what stored checkpoints rely on.
TEST(DigestTest, KnownValues) {
  EXPECT_EQ(digest_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of("abc"), "06b05ab6733a618578af5f94892f3950");
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
