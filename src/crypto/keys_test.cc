// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <functional>

#include "crypto/internal/key_file.h"
#include "crypto/internal/test_bytes.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::crypto {
namespace {

using base::ErrorCode;
using sys::TestDirectory;
namespace fs = std::filesystem;

const Bytes kPage(4096, std::byte{0x5A});

// The key-encryption key of the golden file: 00 01 02 … 1f.
Secret golden_kek() {
  Secret kek = *Secret::zeros(kKeyBytes);
  for (std::size_t i = 0; i < kKeyBytes; ++i) kek.bytes()[i] = static_cast<std::byte>(i);
  return kek;
}

// What tells keys apart: data can be opened only with the same.
std::string fingerprint(const TenantKeys& keys) { return keys.id + to_hex(keys.pages.of(kPage)); }

std::string opened(const fs::path& directory, std::string_view tenant, const Secret& kek) {
  const auto keys = make_tenant(directory, tenant, kek);
  return keys ? fingerprint(*keys) : keys.error().message();
}

template <typename T>
void expect_error(const Result<T>& result, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(result) << part;
  EXPECT_EQ(result.error().code(), code) << result.error().message();
  EXPECT_TRUE(result.error().message().contains(part)) << result.error().message();
}

void install_golden(const TestDirectory& directory, const std::string& name,
                    const std::string& tenant) {
  fs::copy_file(fs::path(REPRISE_GOLDEN) / name, directory / (tenant + ".json"));
}

// Made by another implementation (HKDF of Python's hmac, AES of its cryptography package), so that
// the format is what docs/format/keys.md says and not what this code happens to do.
TEST(TenantKeysTest, TheGoldenFileOpensWhatWasSealedWithIt) {
  const TestDirectory directory;
  install_golden(directory, "key-v1.json", "team-a");
  const auto keys = make_tenant(directory.path(), "team-a", golden_kek());
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_EQ(keys->id, "bd149486a11dfbfa");
  const Bytes place = bytes_of("place");
  Bytes out;
  ASSERT_TRUE(keys->data.open(
      bytes_of_hex(
          "6465666768696a6b6c6d6e6fcb9724d38dee4f3869147ee92f5d9f84d72cc7f6d5c85f88e9e3e0bdee82"),
      place, out));
  EXPECT_EQ(out, bytes_of("sealed by data"));
  ASSERT_TRUE(keys->manifests.open(bytes_of_hex("6465666768696a6b6c6d6e6f3fe486041f66fe0a0db85b0345"
                                                "a797b44e7a729201e476c8f6bf10a657009861f487e9"),
                                   place, out));
  EXPECT_EQ(out, bytes_of("sealed by manifests"));
  const Secret pages =
      secret_of(bytes_of_hex("906b0dcba68d7bb598abe46805c9c5dc378869c7023ca834581e7546cb7a87ab"));
  EXPECT_EQ(keys->pages.of(kPage), PageHasher::with_key(pages)->of(kPage));
}

TEST(TenantKeysTest, AreMadeOncePrivatelyAndKept) {
  const TestDirectory directory;
  const fs::path keys = directory / "store/keys";
  const std::string first = opened(keys, "default", key_of(1));
  EXPECT_EQ(opened(keys, "default", key_of(1)), first);
  EXPECT_EQ(fs::status(keys).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(keys / "default.json").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST(TenantKeysTest, LookingMakesNone) {
  const TestDirectory directory;
  const fs::path keys = directory / "keys";
  expect_error(open_tenant(keys, "default", key_of(1)), ErrorCode::kNotFound, "default.json");
  EXPECT_FALSE(fs::exists(keys));
}

TEST(TenantKeysTest, AreReadFromAKeyFileOfElsewhere) {
  const TestDirectory directory;
  const auto here = make_tenant(directory.path(), "default", key_of(1));
  const std::string text = *sys::read_file(directory / "default.json");
  const auto there = keys_in(text, "default", key_of(1));
  ASSERT_TRUE(here && there);
  EXPECT_EQ(fingerprint(*here), fingerprint(*there));
  expect_error(keys_in(text, "default", key_of(2)), ErrorCode::kDenied, *key_id(key_of(1)));
  expect_error(keys_in(text, "other", key_of(1)), ErrorCode::kCorrupt, "tenant 'default'");
  expect_error(keys_in(text.substr(1), "default", key_of(1)), ErrorCode::kCorrupt, "checksum");
}

TEST(TenantKeysTest, AreOthersForEachTenant) {
  const TestDirectory directory;
  const auto one = make_tenant(directory.path(), "one", key_of(1));
  const auto two = make_tenant(directory.path(), "two", key_of(1));
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->id, two->id);
  EXPECT_NE(one->pages.of(kPage), two->pages.of(kPage));
  Bytes sealed;
  Bytes out;
  ASSERT_TRUE(one->data.seal(kPage, {}, sealed));
  expect_error(two->data.open(sealed, {}, out), ErrorCode::kCorrupt, "altered");
  // Nor are the uses of one tenant's keys mixed up.
  expect_error(one->manifests.open(sealed, {}, out), ErrorCode::kCorrupt, "altered");
  ASSERT_TRUE(one->data.open(sealed, {}, out));
}

TEST(TenantKeysTest, AnotherKeyIsDeniedWithTheRemedy) {
  const TestDirectory directory;
  ASSERT_TRUE(make_tenant(directory.path(), "default", key_of(1)));
  const auto keys = make_tenant(directory.path(), "default", key_of(2));
  expect_error(keys, ErrorCode::kDenied, (directory / "default.json").string());
  for (const std::uint8_t kek : {std::uint8_t{1}, std::uint8_t{2}})
    EXPECT_TRUE(keys.error().message().contains("'" + *key_id(key_of(kek)) + "'"));
  EXPECT_TRUE(keys.error().hint().contains(*key_id(key_of(1)))) << keys.error().hint();
}

TEST(TenantKeysTest, WrongArgumentsAreRefusedBeforeAnythingIsMade) {
  const TestDirectory directory;
  const fs::path keys = directory / "keys";
  for (const char* name : {"", "..", "../x", "a/b", ".hidden", "a\nb"})
    expect_error(make_tenant(keys, name, key_of(1)), ErrorCode::kInvalidInput, "");
  const Secret small = *Secret::random(16);
  expect_error(make_tenant(keys, "a", small), ErrorCode::kInvalidInput, "16 bytes");
  expect_error(rewrap_tenant(keys, "a", small, key_of(1)), ErrorCode::kInvalidInput, "16 bytes");
  expect_error(rewrap_tenant(keys, "a", key_of(1), key_of(2)), ErrorCode::kNotFound, "a.json");
  EXPECT_FALSE(fs::exists(keys));
}

TEST(TenantKeysTest, DamageIsNamedAndNotReplaced) {
  const TestDirectory directory;
  ASSERT_TRUE(make_tenant(directory.path(), "default", key_of(1)));
  const fs::path file = directory / "default.json";
  const std::string good = *sys::read_file(file);
  // Also such that whoever altered it made the checksum fit: the fields are bound to the secret.
  KeyFile forged = *decode_key_file(good);
  forged.created += 1;
  for (const std::string& bad :
       {std::string(), good.substr(1), good + std::string(10'000, ' '), encode_key_file(forged)}) {
    ASSERT_TRUE(sys::replace_file(file, bad));
    expect_error(make_tenant(directory.path(), "default", key_of(1)), ErrorCode::kCorrupt,
                 file.string());
    expect_error(rewrap_tenant(directory.path(), "default", key_of(1), key_of(2)),
                 ErrorCode::kCorrupt, file.string());
    EXPECT_EQ(*sys::read_file(file), bad);
  }
}

TEST(TenantKeysTest, AnotherTenantsFileIsNotTaken) {
  const TestDirectory directory;
  install_golden(directory, "key-v1.json", "team-b");
  expect_error(make_tenant(directory.path(), "team-b", golden_kek()), ErrorCode::kCorrupt,
               "'team-a'");
  KeyFile renamed = *decode_key_file(*sys::read_file(directory / "team-b.json"));
  renamed.tenant = "team-b";
  ASSERT_TRUE(sys::replace_file(directory / "team-b.json", encode_key_file(renamed)));
  expect_error(make_tenant(directory.path(), "team-b", golden_kek()), ErrorCode::kCorrupt,
               "team-b.json");
}

TEST(TenantKeysTest, TheFutureIsRefusedPolitely) {
  const TestDirectory directory;
  install_golden(directory, "key-future.json", "team-a");
  const auto keys = make_tenant(directory.path(), "team-a", golden_kek());
  expect_error(keys, ErrorCode::kUnsupported, "team-a.json");
  EXPECT_EQ(keys.error().hint(), "update Reprise on this host");
}

// ---- several processes ----

// Runs `body` in `count` processes that begin at once; what each returned.
std::vector<std::string> in_processes(int count, const std::function<std::string()>& body) {
  std::array<int, 2> gate{};
  std::array<int, 2> answers{};
  EXPECT_EQ(::pipe(gate.data()), 0);
  EXPECT_EQ(::pipe(answers.data()), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child != 0) {
      children.push_back(child);
      continue;
    }
    ::close(gate[1]);
    char none = 0;
    if (::read(gate[0], &none, 1) != 0) ::_exit(1);
    const std::string answer = body() + "\n";  // shorter than PIPE_BUF: written as a whole
    ::_exit(::write(answers[1], answer.data(), answer.size()) > 0 ? 0 : 1);
  }
  ::close(gate[0]);
  ::close(gate[1]);
  ::close(answers[1]);
  for (const pid_t child : children) EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  std::ifstream lines("/proc/self/fd/" + std::to_string(answers[0]));
  std::vector<std::string> result;
  for (std::string line; std::getline(lines, line);) result.push_back(line);
  ::close(answers[0]);
  return result;
}

TEST(TenantKeysTest, ProcessesThatMakeOneAtOnceGetTheSame) {
  const Secret kek = key_of(1);
  for (int round = 0; round < 5; ++round) {
    const TestDirectory directory;
    const fs::path keys = directory / "keys";
    const std::vector<std::string> all =
        in_processes(8, [&] { return opened(keys, "default", kek); });
    ASSERT_EQ(all.size(), 8U);
    EXPECT_EQ(std::ranges::count(all, opened(keys, "default", kek)), 8) << all.front();
  }
}

TEST(TenantKeysTest, WhatAKilledWriterLeftIsClearedAndNoTenant) {
  const TestDirectory directory;
  (void)directory.file("default.json.tmp123-0", "{\"format\": \"repr");
  EXPECT_TRUE(tenants(directory.path())->empty());
  ASSERT_TRUE(make_tenant(directory.path(), "default", key_of(1)));
  EXPECT_FALSE(fs::exists(directory / "default.json.tmp123-0"));
  EXPECT_EQ(*tenants(directory.path()), std::vector<std::string>{"default"});
}

// A process that changes the key all the time is killed again and again; one of the two keys must
// always open, to the same secret.
TEST(TenantKeysTest, AKilledRewrapLosesNothing) {
  const TestDirectory directory;
  const Secret one = key_of(1);
  const Secret two = key_of(2);
  const std::string expected = opened(directory.path(), "default", one);
  for (int round = 0; round < 20; ++round) {
    std::array<int, 2> done{};
    ASSERT_EQ(::pipe(done.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) {
        if (!rewrap_tenant(directory.path(), "default", one, two)) ::_exit(1);
        if (!rewrap_tenant(directory.path(), "default", two, one)) ::_exit(1);
        if (::write(done[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(done[1]);
    std::array<char, 64> some{};
    ASSERT_GT(::read(done[0], some.data(), static_cast<std::size_t>(1 + round % 4)), 0);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "a rewrap failed";
    ::close(done[0]);
    ASSERT_TRUE(rewrap_tenant(directory.path(), "default", two, one)) << round;
    ASSERT_EQ(opened(directory.path(), "default", one), expected);
  }
}

TEST(RewrapTenantTest, ChangesTheKeyAndNothingElse) {
  const TestDirectory directory;
  const std::string before = opened(directory.path(), "default", key_of(1));
  const KeyFile old = *decode_key_file(*sys::read_file(directory / "default.json"));
  ASSERT_TRUE(rewrap_tenant(directory.path(), "default", key_of(1), key_of(2)));
  EXPECT_EQ(opened(directory.path(), "default", key_of(2)), before);
  EXPECT_EQ(decode_key_file(*sys::read_file(directory / "default.json"))->created, old.created);
  expect_error(make_tenant(directory.path(), "default", key_of(1)), ErrorCode::kDenied, "wrapped");

  EXPECT_TRUE(rewrap_tenant(directory.path(), "default", key_of(1), key_of(2)));  // once more
  expect_error(rewrap_tenant(directory.path(), "default", key_of(3), key_of(4)), ErrorCode::kDenied,
               *key_id(key_of(3)));
  EXPECT_EQ(opened(directory.path(), "default", key_of(2)), before);
}

TEST(TenantsTest, AreThoseWithAKeyFile) {
  const TestDirectory directory;
  EXPECT_TRUE(tenants(directory / "none")->empty());
  for (const char* name : {"b", "a.json", "c"})
    ASSERT_TRUE(make_tenant(directory.path(), name, key_of(1)));
  (void)directory.file("notes.txt", "");
  EXPECT_EQ(*tenants(directory.path()), (std::vector<std::string>{"a.json", "b", "c"}));
  EXPECT_FALSE(tenants(directory / "notes.txt"));
}

}  // namespace
}  // namespace reprise::crypto
