// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret_text.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "crypto/secret.h"
#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::crypto {
namespace {

constexpr char kMask = 0x5A;

// A text that the program does not hold otherwise, so that it can be looked for.
std::string masked() {
  std::string text = "a key of forty letters, no more, no less";
  for (char& c : text) c = static_cast<char>(c ^ kMask);
  return text;
}

SecretText secret() {
  std::string text = masked();
  for (char& c : text) c = static_cast<char>(c ^ kMask);
  SecretText secret(text);
  wipe(std::as_writable_bytes(std::span(text)));
  return secret;
}

bool holds(std::span<const char> memory, const std::string& wanted) {
  const auto same = [](char is, char masked) { return static_cast<char>(is ^ kMask) == masked; };
  return std::ranges::search(memory, wanted, same).begin() != memory.end();
}

// Whether it lies anywhere in the memory that this process may write to.
bool is_in_memory() {
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // larger ones are tools' of the build
  const std::string wanted = masked();
  const sys::UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  std::ifstream maps("/proc/self/maps");
  std::vector<char> buffer(kMostBytes);
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string rights;
    words >> std::hex >> begin >> dash >> end >> rights;
    const auto mine = reinterpret_cast<std::uintptr_t>(buffer.data());
    if (!rights.starts_with("rw") || end - begin > kMostBytes || (begin <= mine && mine < end))
      continue;
    const ssize_t got =
        ::pread(memory.get(), buffer.data(), end - begin, static_cast<off_t>(begin));
    if (got > 0) found |= holds(std::span(buffer).first(static_cast<std::size_t>(got)), wanted);
  }
  return found;
}

TEST(SecretTextTest, IsWipedWithAllItsCopies) {
  ASSERT_FALSE(is_in_memory());
  {
    SecretText one = secret();
    EXPECT_TRUE(is_in_memory());
    SecretText copy = one;
    SecretText moved = std::move(one);
    EXPECT_EQ(copy.view(), moved.view());
    copy = SecretText("short");
    moved = copy;
    EXPECT_FALSE(is_in_memory()) << "replaced by others";
    one = secret();
    std::swap(one, copy);
    std::vector<SecretText> several(3, copy);
    several.resize(9, copy);
    EXPECT_TRUE(is_in_memory());
  }
  EXPECT_FALSE(is_in_memory());
}

TEST(SecretTextTest, HoldsWhatItWasGiven) {
  EXPECT_TRUE(SecretText().empty());
  EXPECT_EQ(SecretText("a").view(), "a");
  SecretText one("one");
  const SecretText other = std::move(one);
  EXPECT_TRUE(one.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the contract
  EXPECT_EQ(other.view(), "one");
}

TEST(SecretFileTest, IsReadWithoutWhiteSpaceAtItsEnd) {
  const sys::TestDirectory scratch;
  const auto file = scratch.file("token", "hunter2\n");
  std::filesystem::permissions(file, std::filesystem::perms{0600});
  EXPECT_EQ(read_secret_file(file)->view(), "hunter2");
}

TEST(SecretFileTest, IsRefusedIfOthersCanReadIt) {
  const sys::TestDirectory scratch;
  const auto file = scratch.file("token", "hunter2");
  for (const unsigned mode : {0640U, 0604U, 0622U}) {
    std::filesystem::permissions(file, std::filesystem::perms{mode});
    const auto refused = read_secret_file(file);
    ASSERT_FALSE(refused) << mode;
    EXPECT_EQ(refused.error().code(), base::ErrorCode::kDenied);
    EXPECT_TRUE(refused.error().message().contains(file.string())) << refused.error().message();
    EXPECT_TRUE(refused.error().hint().contains("chmod 600")) << refused.error().hint();
  }
}

TEST(SecretFileTest, MustHoldSomething) {
  const sys::TestDirectory scratch;
  const auto file = scratch.file("token", "\n \n");
  std::filesystem::permissions(file, std::filesystem::perms{0600});
  EXPECT_EQ(read_secret_file(file).error().code(), base::ErrorCode::kInvalidInput);
  EXPECT_EQ(read_secret_file(scratch / "none").error().code(), base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::crypto
