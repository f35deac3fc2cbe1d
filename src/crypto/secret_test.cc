// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crypto/internal/test_bytes.h"

namespace reprise::crypto {
namespace {

using base::ErrorCode;

// What the kernel says of the mapping in which `address` lies: its flags, as in proc(5).
std::string mapping_flags(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    if (words >> std::hex >> begin >> dash >> end && dash == '-')
      inside = begin <= wanted && wanted < end;
    if (inside && line.starts_with("VmFlags:")) return line + " ";
  }
  return "no mapping";
}

TEST(SecretTest, IsLockedAndLeftOutOfCoreDumps) {
  const Secret secret = *Secret::random(32);
  const std::string flags = mapping_flags(secret.view().data());
  EXPECT_TRUE(flags.contains(" dd ")) << flags;
  EXPECT_EQ(flags.contains(" lo "), Secret::is_locked()) << flags;
}

TEST(SecretTest, IsWipedWhenItGoes) {
  const std::byte* where = nullptr;
  {
    const Secret secret = secret_of(Bytes(256, std::byte{0xA5}));
    where = secret.view().data();
    ASSERT_EQ(std::count(where, where + 256, std::byte{0xA5}), 256);
  }
  // The arena is never unmapped; the first bytes may hold its list of free blocks by now.
  const volatile std::byte* freed = where;
  for (int i = 0; i < 256; ++i) ASSERT_FALSE(freed[i] == std::byte{0xA5}) << i;
}

TEST(SecretTest, MovesAndLeavesNothing) {
  Secret first = secret_of(bytes_of("abc"));
  Secret second = std::move(first);
  EXPECT_TRUE(std::ranges::equal(second.view(), bytes_of("abc")));
  EXPECT_TRUE(first.view().empty());  // NOLINT: what is promised
  second = key_of(7);
  EXPECT_EQ(second.size(), 32U);
}

TEST(SecretTest, RandomOnesDiffer) {
  EXPECT_FALSE(std::ranges::equal(Secret::random(32)->view(), Secret::random(32)->view()));
}

TEST(SecretTest, SizesThatCannotBe) {
  EXPECT_EQ(Secret::random(0).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(Secret::copy_of({}).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(Secret::zeros(2 * Secret::kArenaBytes).error().code(), ErrorCode::kBusy);
}

// A full arena is an error, never a secret in ordinary memory; what goes makes room again.
TEST(SecretTest, AFullArenaSaysSo) {
  std::vector<Secret> secrets;
  auto next = Secret::zeros(1024);
  for (; next; next = Secret::zeros(1024)) secrets.push_back(*std::move(next));
  EXPECT_EQ(next.error().code(), ErrorCode::kBusy);
  EXPECT_GE(secrets.size(), 32U);
  secrets.clear();
  EXPECT_TRUE(Secret::zeros(1024));
}

TEST(SecretTest, ManyThreadsAtOnce) {
  std::vector<std::jthread> threads(8);
  for (std::uint8_t t = 1; std::jthread & thread : threads) {
    thread = std::jthread([t] {
      for (int i = 0; i < 1000; ++i) {
        const Secret secret = key_of(t);
        ASSERT_EQ(std::ranges::count(secret.view(), std::byte{t}), 32);
      }
    });
    ++t;
  }
}

// Where memory may not be locked (a container without CAP_IPC_LOCK and with a small limit) secrets
// work, and say that they are not locked.
void use_secrets_without_the_right_to_lock() {
  const rlimit none{0, 0};
  constexpr uid_t kNobody = 65534;
  if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) ::_exit(1);
  if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(2);
  const auto secret = Secret::random(32);
  if (!secret) ::_exit(3);
  ::_exit(Secret::is_locked() ? 4 : 0);
}

TEST(SecretDeathTest, WorksUnlocked) {
  // A new process of its own: this one may have made its arena.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(use_secrets_without_the_right_to_lock(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace reprise::crypto
