// SPDX-License-Identifier: Apache-2.0
#include "sys/file_lock.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <thread>

#include "sys/child.h"
#include "sys/shared_lock.h"
#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(FileLockTest, ExcludesASecondHolderUntilDropped) {
  const TestDirectory directory;
  const path file = directory / "lock";
  {
    const FileLock first = FileLock::try_lock(file).value();
    EXPECT_EQ(FileLock::try_lock(file).error().code(), ErrorCode::kBusy);
    EXPECT_EQ(FileLock::lock(file, milliseconds(30)).error().code(), ErrorCode::kBusy);
  }
  EXPECT_TRUE(FileLock::try_lock(file));
  EXPECT_TRUE(std::filesystem::exists(file)) << "the lock file stays";
}

// While somebody waits, who holds it may remove the file: two would hold a lock of that name.
TEST(FileLockTest, AFileThatWasRemovedMeanwhileIsMadeAnew) {
  const TestDirectory directory;
  const path file = directory / "lock";
  std::optional<FileLock> first = FileLock::try_lock(file).value();
  std::thread waiting([&] { EXPECT_TRUE(FileLock::lock(file, seconds(20))); });
  const UniqueFd old(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  std::filesystem::remove(file);
  const FileLock second = FileLock::try_lock(file).value();
  first.reset();
  EXPECT_EQ(::flock(old.get(), LOCK_EX | LOCK_NB), 0) << "nobody took the one that is gone";
  EXPECT_EQ(FileLock::try_lock(file).error().code(), ErrorCode::kBusy);
  ::unlink(file.c_str());
  waiting.join();
}

TEST(FileLockTest, ManyShareItOrOneHasItAlone) {
  const TestDirectory directory;
  const path file = directory / "lock";
  std::optional<FileLock> first = lock_shared(file, milliseconds(1)).value();
  const FileLock second = lock_shared(file, milliseconds(1)).value();
  EXPECT_EQ(FileLock::try_lock(file).error().code(), ErrorCode::kBusy);
  std::filesystem::remove(file);
  const FileLock alone = FileLock::try_lock(file).value();
  EXPECT_EQ(lock_shared(file, milliseconds(1)).error().code(), ErrorCode::kBusy);
}

TEST(FileLockTest, LocksWhatIsThereAlreadyAndIsNoFileOfItsOwn) {
  const TestDirectory directory;
  for (const path& existing : {directory.path(), path("/proc/self/ns/net")}) {
    const FileLock first = FileLock::lock_existing(existing, seconds(20)).value();
    EXPECT_EQ(FileLock::lock_existing(existing, milliseconds(1)).error().code(), ErrorCode::kBusy);
  }
  EXPECT_EQ(FileLock::lock_existing(directory / "none", seconds(60)).error().code(),
            ErrorCode::kNotFound);
}

TEST(FileLockTest, WaitsForTheHolderToLeave) {
  const TestDirectory directory;
  const path file = directory / "lock";
  std::optional<FileLock> first = FileLock::try_lock(file).value();
  std::thread holder([&first] { first.reset(); });
  EXPECT_TRUE(FileLock::lock(file, seconds(20)));
  holder.join();
}

TEST(FileLockTest, AMissingDirectoryIsNotFoundAtOnce) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(FileLock::lock("/no/such/lock", seconds(60)).error().code(), ErrorCode::kNotFound);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(20));
}

// The hand-over from the runtime wrapper to a worker: the wrapper may close its descriptor or die,
// and the lock is held without a gap until the heir ends too.
TEST(FileLockTest, AChildThatInheritedItKeepsItAndItsDeathFreesIt) {
  const TestDirectory directory;
  const path file = directory / "lock";
  std::optional<FileLock> lock = FileLock::try_lock(file).value();
  SpawnOptions options;
  options.argv = {"sleep", "600"};
  options.fds = {{lock->fd().get(), 3}};
  Child heir = Child::spawn(options).value();
  lock.reset();
  EXPECT_EQ(FileLock::try_lock(file).error().code(), ErrorCode::kBusy);
  ASSERT_TRUE(heir.kill(SIGKILL));
  ASSERT_TRUE(heir.wait(seconds(20)));
  EXPECT_TRUE(FileLock::try_lock(file));
}

TEST(FileLockTest, AnAdoptedLockIsTheSameLock) {
  const TestDirectory directory;
  const path file = directory / "lock";
  FileLock first = FileLock::try_lock(file).value();
  UniqueFd passed_on(::dup(first.fd().get()));
  std::optional<FileLock> heir = FileLock::adopt(std::move(passed_on));
  {
    const FileLock gone = std::move(first);
  }
  EXPECT_EQ(FileLock::try_lock(file).error().code(), ErrorCode::kBusy);
  heir.reset();
  EXPECT_TRUE(FileLock::try_lock(file));
}

}  // namespace
}  // namespace reprise::sys
