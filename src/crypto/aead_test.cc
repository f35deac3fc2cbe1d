// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "crypto/internal/test_bytes.h"

namespace reprise::crypto {
namespace {

using base::ErrorCode;

const Bytes kBound = bytes_of("block 7 of pack 3");

Aead aead_of(const Secret& key) { return *Aead::with_key(key); }

Bytes sealed(const Aead& aead, const Bytes& plain, const Bytes& bound = kBound) {
  Bytes out;
  EXPECT_TRUE(aead.seal(plain, bound, out));
  return out;
}

void expect_refused(const Aead& aead, const Bytes& message, const Bytes& bound = kBound) {
  Bytes out(5);
  const auto opened = aead.open(message, bound, out);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(out.empty());
}

// Test cases 14 and 16 of "The Galois/Counter Mode of Operation (GCM)", McGrew and Viega.
TEST(AeadTest, OpensWhatTheStandardSays) {
  Bytes out;
  ASSERT_TRUE(aead_of(key_of(0)).open(bytes_of_hex("000000000000000000000000"
                                                   "cea7403d4d606b6e074ec5d3baf39d18"
                                                   "d0d1c8a799996bf0265b98b5d48ab919"),
                                      {}, out));
  EXPECT_EQ(out, Bytes(16));

  const Aead aead = aead_of(
      secret_of(bytes_of_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")));
  ASSERT_TRUE(
      aead.open(bytes_of_hex("cafebabefacedbaddecaf888"
                             "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                             "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                             "76fc6ece0f4e1768cddf8853bb2d551b"),
                bytes_of_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), out));
  EXPECT_EQ(to_hex(out),
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
}

TEST(AeadTest, OpensWhatItSealed) {
  const Aead aead = aead_of(key_of(1));
  Bytes message;
  Bytes out;
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 4096U, 1U << 20U}) {
    Bytes plain(size);
    for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<std::byte>(i * 7 + size);
    ASSERT_TRUE(aead.seal(plain, kBound, message));
    EXPECT_EQ(message.size(), size + kSealOverhead);
    ASSERT_TRUE(aead.open(message, kBound, out)) << size;
    EXPECT_EQ(out, plain);
  }
}

TEST(AeadTest, EveryFlippedBitIsFound) {
  const Aead aead = aead_of(key_of(2));
  const Bytes message = sealed(aead, bytes_of("a short message, so that all can be tried"));
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    Bytes altered = message;
    altered[bit / 8] ^= std::byte{1} << (bit % 8);
    expect_refused(aead, altered);
  }
}

TEST(AeadTest, EveryTruncationIsFound) {
  const Aead aead = aead_of(key_of(2));
  Bytes message = sealed(aead, bytes_of("cut"));
  message.push_back(std::byte{0});
  expect_refused(aead, message);
  message.pop_back();
  while (!message.empty()) {
    message.pop_back();
    expect_refused(aead, message);
  }
}

TEST(AeadTest, OtherKeyOrPlaceIsRefused) {
  const Aead aead = aead_of(key_of(3));
  const Bytes message = sealed(aead, bytes_of("mine"));
  expect_refused(aead_of(key_of(4)), message);
  expect_refused(aead, message, bytes_of("block 8 of pack 3"));
  expect_refused(aead, message, {});
}

TEST(AeadTest, OpensIntoASecretAndLeavesNothingOfABadOne) {
  const Aead aead = aead_of(key_of(3));
  const Bytes plain(32, std::byte{9});
  Bytes message = sealed(aead, plain);
  Secret out = key_of(1);
  ASSERT_TRUE(aead.open_into(message, kBound, out.bytes()));
  EXPECT_TRUE(std::ranges::equal(out.view(), plain));
  message.back() ^= std::byte{1};
  EXPECT_EQ(aead.open_into(message, kBound, out.bytes()).error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(std::ranges::equal(out.view(), Bytes(32)));
  EXPECT_EQ(aead.open_into(message, kBound, out.bytes().first(31)).error().code(),
            ErrorCode::kInvalidInput);
}

TEST(AeadTest, EqualMessagesLookDifferent) {
  const Aead aead = aead_of(key_of(5));
  std::set<Bytes> nonces;
  for (int i = 0; i < 1000; ++i) {
    Bytes message = sealed(aead, {});
    message.resize(kNonceBytes);
    nonces.insert(message);
  }
  EXPECT_EQ(nonces.size(), 1000U);
}

TEST(AeadTest, OpensWhatItSealedInParts) {
  const Aead aead = aead_of(key_of(1));
  const Bytes plain = bytes_of("of several parts, one of which is empty, none as long as another");
  const std::span<const std::byte> all(plain);
  const std::span<const std::byte> parts[] = {all.first(5), all.subspan(5, 0), all.subspan(5, 17),
                                              all.subspan(22)};
  Bytes message(plain.size() + kSealOverhead);
  ASSERT_TRUE(aead.seal_into(parts, kBound, message));
  Bytes out;
  ASSERT_TRUE(aead.open(message, kBound, out));
  EXPECT_EQ(out, plain);
}

TEST(AeadTest, TheRoomForAMessageMustFit) {
  const Aead aead = aead_of(key_of(1));
  const Bytes plain = bytes_of("a message");
  const std::span<const std::byte> parts[] = {plain};
  for (const std::size_t size :
       {std::size_t{0}, plain.size() + kSealOverhead - 1, plain.size() + kSealOverhead + 1}) {
    Bytes message(size);
    const auto sealed = aead.seal_into(parts, kBound, message);
    ASSERT_FALSE(sealed) << size;
    EXPECT_EQ(sealed.error().code(), ErrorCode::kInvalidInput);
  }
}

TEST(AeadTest, KeysHaveOneSize) {
  for (const std::size_t size : {1U, 16U, 31U, 33U}) {
    const auto aead = Aead::with_key(*Secret::zeros(size));
    ASSERT_FALSE(aead) << size;
    EXPECT_EQ(aead.error().code(), ErrorCode::kInvalidInput);
  }
}

TEST(AeadTest, ManyThreadsUseOne) {
  const Aead aead = aead_of(key_of(6));
  std::vector<std::jthread> threads(8);
  for (std::uint8_t t = 1; std::jthread & thread : threads) {
    thread = std::jthread([&aead, t] {
      const Bytes plain(1000, std::byte{t});
      Bytes message;
      Bytes out;
      for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(aead.seal(plain, kBound, message));
        ASSERT_TRUE(aead.open(message, kBound, out));
        ASSERT_EQ(out, plain);
      }
    });
    ++t;
  }
}

}  // namespace
}  // namespace reprise::crypto
