// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "crypto/internal/test_bytes.h"
#include "crypto/keys.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::crypto {
namespace {

using base::ErrorCode;
using sys::TestDirectory;
namespace fs = std::filesystem;

const std::string kHex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const std::string kBase64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

Result<Secret> from_file(const fs::path& file) {
  return load_key({.kind = KeySource::Kind::kFile, .value = file.string()});
}
Result<Secret> from_command(const std::string& command) {
  return load_key({.kind = KeySource::Kind::kCommand, .value = command});
}
Result<Secret> from_environment(const std::string& text) {
  ::setenv("REPRISE_TEST_KEY", text.c_str(), 1);
  auto key = load_key({.kind = KeySource::Kind::kEnvironment, .value = "REPRISE_TEST_KEY"});
  ::unsetenv("REPRISE_TEST_KEY");
  return key;
}

fs::path private_file(const TestDirectory& directory, std::string_view text) {
  const fs::path file = directory.file("key", text);
  fs::permissions(file, fs::perms::owner_read);
  return file;
}

std::string hex_of(const Result<Secret>& key) {
  return key ? to_hex(key->view()) : key.error().message();
}

void expect_error(const Result<Secret>& key, ErrorCode code, const std::string& part) {
  ASSERT_FALSE(key) << part;
  EXPECT_EQ(key.error().code(), code) << key.error().message();
  EXPECT_TRUE(key.error().message().contains(part)) << key.error().message();
}

TEST(LoadKeyTest, BothFormsFromEverySource) {
  for (const std::string& text : {kHex, kBase64, " \t" + kHex + "\r\n", "\n" + kBase64 + "\n"}) {
    const TestDirectory directory;
    const fs::path file = private_file(directory, text);
    EXPECT_EQ(hex_of(from_file(file)), kHex);
    EXPECT_EQ(hex_of(from_environment(text)), kHex);
    EXPECT_EQ(hex_of(from_command("cat " + file.string())), kHex);
  }
  EXPECT_EQ(hex_of(from_environment(std::string(64, 'F'))), std::string(64, 'f'));
  EXPECT_EQ(hex_of(from_environment(std::string(42, '/') + "8=")), std::string(64, 'f'));
}

TEST(LoadKeyTest, WhatIsNoKeyIsRefusedAndNotRepeated) {
  for (const std::string& text :
       {std::string(), std::string(" \n"), kHex.substr(1), kHex + "0", kHex + kHex,
        std::string(63, 'a') + "g", kBase64.substr(0, 43), kBase64.substr(0, 43) + "A",
        std::string(42, 'A') + "B=",  // two bits too many
        std::string(42, 'A') + "-=", std::string(5000, ' ') + kHex}) {
    const TestDirectory directory;
    expect_error(from_file(private_file(directory, text)), ErrorCode::kInvalidInput, "no key");
    if (text.size() > 5000) continue;
    const auto key = from_environment(text);
    expect_error(key, ErrorCode::kInvalidInput, "no key");
    EXPECT_TRUE(text.size() < 40 || !key.error().details().contains(text.substr(0, 40)));
  }
}

TEST(LoadKeyTest, AFileMustBePrivate) {
  const TestDirectory directory;
  const fs::path file = private_file(directory, kHex);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const auto key = from_file(file);
    expect_error(key, ErrorCode::kDenied, file.string());
    EXPECT_EQ(key.error().hint(), "chmod 600 '" + file.string() + "'");
  }
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
  expect_error(from_file(file), ErrorCode::kDenied, "another user");
}

TEST(LoadKeyTest, AFileMustBeARegularOne) {
  const TestDirectory directory;
  expect_error(from_file(directory.path()), ErrorCode::kInvalidInput, "regular");
  const fs::path pipe = directory / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error(from_file(pipe), ErrorCode::kInvalidInput, "regular");  // and does not hang
  // Kubernetes mounts secrets as links.
  fs::create_symlink(private_file(directory, kHex), directory / "link");
  EXPECT_EQ(hex_of(from_file(directory / "link")), kHex);
}

TEST(LoadKeyTest, WhatIsMissingIsNamed) {
  const TestDirectory directory;
  expect_error(from_file(directory / "none"), ErrorCode::kNotFound, "none");
  expect_error(load_key({.kind = KeySource::Kind::kEnvironment, .value = "REPRISE_NO_SUCH_KEY"}),
               ErrorCode::kNotFound, "REPRISE_NO_SUCH_KEY");
}

TEST(LoadKeyTest, AFailedCommandTellsWhatItSaid) {
  expect_error(from_command("echo " + kHex + "; echo 'the vault is sealed' >&2; exit 2"),
               ErrorCode::kIo, "exit status 2): the vault is sealed");
  expect_error(from_command("yes"), ErrorCode::kInvalidInput, "'yes'");
}

TEST(CreateKeyFileTest, MakesAPrivateOneOnce) {
  const TestDirectory directory;
  const fs::path file = directory / "etc/reprise/key";
  ASSERT_TRUE(create_key_file(file));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const std::string text = *sys::read_file(file);
  EXPECT_EQ(hex_of(from_file(file)) + "\n", text);

  const auto again = create_key_file(file);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(*sys::read_file(file), text);

  ASSERT_TRUE(create_key_file(directory / "other"));
  // A node of a cluster that had lost its key made one that no other node has.
  ASSERT_TRUE(note_given_key(directory / "given", "0123456789abcdef"));
  ASSERT_TRUE(note_given_key(directory / "given", "0123456789abcdef"));
  const auto made = create_key_file(directory / "given");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kDenied);
  ASSERT_TRUE(forget_given_key(directory / "given"));
  ASSERT_TRUE(forget_given_key(directory / "given"));
  EXPECT_TRUE(create_key_file(directory / "given"));
  EXPECT_NE(*sys::read_file(directory / "other"), text);
}

}  // namespace
}  // namespace reprise::crypto
