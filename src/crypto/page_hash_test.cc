// SPDX-License-Identifier: Apache-2.0
#include "crypto/page_hash.h"

#include <gtest/gtest.h>

#include <thread>

#include "crypto/internal/test_bytes.h"

namespace reprise::crypto {
namespace {

PageHasher hasher_of(const Secret& key) { return *PageHasher::with_key(key); }

// The input of BLAKE3's published test vectors.
Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

TEST(PageHashTest, IsKeyedBlake3) {
  const PageHasher hasher = hasher_of(secret_of(bytes_of("whats the Elvish word for friend")));
  EXPECT_EQ(to_hex(hasher.of({})), "92b2b75604ed3c761f9d6f62392c8a92");
  EXPECT_EQ(to_hex(hasher.of(counting(1))), "6d7878dfff2f485635d39013278ae14f");
  EXPECT_EQ(to_hex(hasher.of(counting(1025))), "357dc55de0c7e382c900fd6e320acc04");
  EXPECT_EQ(to_hex(hasher.of(counting(4096))), "befc660aea2f1718884cd8deb9902811");
  EXPECT_EQ(to_hex(hasher.of(counting(5121))), "6ccf1c34753e7a044db80798ecd0782a");
}

TEST(PageHashTest, AnotherKeyGivesOtherIds) {
  EXPECT_NE(hasher_of(key_of(1)).of(counting(4096)), hasher_of(key_of(2)).of(counting(4096)));
}

TEST(PageHashTest, KeysHaveOneSize) {
  const auto hasher = PageHasher::with_key(*Secret::zeros(16));
  ASSERT_FALSE(hasher);
  EXPECT_EQ(hasher.error().code(), base::ErrorCode::kInvalidInput);
}

TEST(PageHashTest, ManyThreadsUseOne) {
  const PageHasher hasher = hasher_of(key_of(1));
  const PageId expected = hasher.of(counting(4096));
  std::vector<std::jthread> threads(8);
  for (std::jthread& thread : threads)
    thread = std::jthread([&] {
      for (int i = 0; i < 1000; ++i) ASSERT_EQ(hasher.of(counting(4096)), expected);
    });
}

}  // namespace
}  // namespace reprise::crypto
