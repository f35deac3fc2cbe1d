// SPDX-License-Identifier: Apache-2.0
#include "crypto/internal/key_file.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "crypto/internal/test_bytes.h"
#include "sys/files.h"

namespace reprise::crypto {
namespace {

using base::ErrorCode;
using nlohmann::ordered_json;

std::string golden(const std::string& name) {
  return *sys::read_file(std::string(REPRISE_GOLDEN) + "/" + name);
}

void expect_corrupt(const std::string& text) {
  const auto file = decode_key_file(text);
  ASSERT_FALSE(file) << text;
  EXPECT_EQ(file.error().code(), ErrorCode::kCorrupt) << text;
}

// `text` is an object without its end.
std::string with_checksum(const std::string& text) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return text + ",\n  \"checksum\": \"" + to_hex(digest) + "\"\n}\n";
}

// The golden file with other fields and a checksum that is right.
std::string changed(const std::function<void(ordered_json&)>& change) {
  ordered_json root = ordered_json::parse(golden("key-v1.json"));
  root.erase("checksum");
  change(root);
  std::string text = root.dump(2);
  text.resize(text.size() - 2);
  return with_checksum(text);
}

TEST(KeyFileTest, ReadsVersion1AndWritesItAlike) {
  const auto file = decode_key_file(golden("key-v1.json"));
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tenant, "team-a");
  EXPECT_EQ(file->id, "bd149486a11dfbfa");
  EXPECT_EQ(file->kek, "e1552264648d49e9");
  EXPECT_EQ(file->created, 1'795'000'000'123);
  EXPECT_EQ(encode_key_file(*file), golden("key-v1.json"));
  EXPECT_EQ(changed([](ordered_json&) {}), golden("key-v1.json"));
}

TEST(KeyFileTest, TheFutureIsUnsupported) {
  const auto file = decode_key_file(golden("key-future.json"));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(file.error().message().contains("a newer version of Reprise (version 2"));
  EXPECT_FALSE(file.error().hint().empty());
}

TEST(KeyFileTest, EveryFlippedBitAndTruncationIsCorrupt) {
  const std::string text = golden("key-v1.json");
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    expect_corrupt(damaged);
  }
  for (std::size_t size = 0; size < text.size(); ++size) expect_corrupt(text.substr(0, size));
  expect_corrupt(text + "\n");
}

TEST(KeyFileTest, WhatIsNestedDeepIsCorrupt) {
  const std::string nested = std::string(3'000'000, '[') + std::string(3'000'000, ']');
  expect_corrupt(with_checksum(R"({"format":"reprise-key","x":)" + nested));
}

TEST(KeyFileTest, FieldsAreExactlyThose) {
  for (const char* name :
       {"format", "version", "tenant", "id", "kek", "wrapped", "created_unix_ms"})
    for (const ordered_json& wrong : {ordered_json(nullptr), ordered_json(-1), ordered_json("x"),
                                      ordered_json::object(), ordered_json(0.5)}) {
      if (wrong == "x" && name != std::string("version") && name != std::string("format") &&
          name != std::string("wrapped") && name != std::string("created_unix_ms"))
        continue;  // any text is a tenant or an id here; what it opens is told by others
      expect_corrupt(changed([&](ordered_json& root) { root[name] = wrong; }));
      expect_corrupt(changed([&](ordered_json& root) { root.erase(name); }));
    }
  expect_corrupt(changed([](ordered_json& root) { root["version"] = 0; }));
  expect_corrupt(changed([](ordered_json& root) { root["color"] = "red"; }));
  expect_corrupt(changed([](ordered_json& root) { root["wrapped"] = std::string(120, 'F'); }));
  expect_corrupt(changed([](ordered_json& root) { root = ordered_json::array({1}); }));
}

}  // namespace
}  // namespace reprise::crypto
