// SPDX-License-Identifier: Apache-2.0
#include "sys/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

unsigned mode_of(const path& file) {
  struct stat info{};
  return ::lstat(file.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::vector<std::string> names_in(const path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  return names;
}

TEST(OpenFileTest, IsCloseOnExecAndPrivate) {
  const TestDirectory directory;
  const UniqueFd fd = open_file(directory / "new", O_WRONLY | O_CREAT).value();
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(mode_of(directory / "new"), 0600U);
}

TEST(OpenFileTest, AnErrorNamesThePath) {
  const Result<UniqueFd> fd = open_file("/no/such/file", O_RDONLY);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(fd.error().message(), "opening '/no/such/file': No such file or directory");
}

TEST(ReadAtTest, ReadsWhatWasWrittenThereAndTellsWhereTheFileEnds) {
  const TestDirectory directory;
  const UniqueFd fd = open_file(directory / "file", O_RDWR | O_CREAT).value();
  const std::string text = "0123456789";
  ASSERT_TRUE(write_at(fd.get(), 5, std::as_bytes(std::span(text))));
  std::string out(8, '?');
  EXPECT_EQ(read_at(fd.get(), 4, std::as_writable_bytes(std::span(out))).value(), 8U);
  EXPECT_EQ(out, std::string(1, '\0') + "0123456");
  EXPECT_EQ(read_at(fd.get(), 13, std::as_writable_bytes(std::span(out))).value(), 2U);
  EXPECT_EQ(out.substr(0, 2), "89");
  const Result<void> full =
      write_at(open_file("/dev/full", O_WRONLY).value().get(), 0, std::as_bytes(std::span(text)));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().error_number(), ENOSPC);
}

TEST(ReadFileTest, ReadsBinaryProcAndEmptyFiles) {
  const TestDirectory directory;
  std::string large(200000, 'x');
  large[70000] = '\0';
  EXPECT_EQ(read_file(directory.file("large", large)).value(), large);
  EXPECT_EQ(read_file(directory.file("empty", "")).value(), "");
  EXPECT_NE(read_file("/proc/self/status").value().find("Name:"), std::string::npos);
  EXPECT_FALSE(read_file(directory.path()));
}

TEST(ReadFileTest, TheLimitIsExact) {
  const TestDirectory directory;
  const path file = directory.file("ten", "0123456789");
  EXPECT_EQ(read_file(file, 10).value().size(), 10U);
  EXPECT_EQ(read_file(file, 9).error().code(), ErrorCode::kInvalidInput);
}

TEST(WriteControlFileTest, WritesOnceAndNeverCreates) {
  const TestDirectory directory;
  const path file = directory.file("control", "");
  EXPECT_TRUE(write_control_file(file, "1"));
  EXPECT_EQ(read_file(file).value(), "1");
  EXPECT_EQ(write_control_file(directory / "absent", "1").error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(directory / "absent"));
  EXPECT_EQ(write_control_file("/dev/full", "1").error().error_number(), ENOSPC);
}

// A write that the kernel took only in part leaves errno as it was; the error must not say
// "Success" or name an old failure.
TEST(WriteControlFileTest, AShortWriteIsAnErrorThatSaysSo) {
  const TestDirectory directory;
  const path file = directory.file("control", "");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{.rlim_cur = 4, .rlim_max = old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  errno = 0;
  const Result<void> written = write_control_file(file, "0123456789");
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kIo);
  EXPECT_EQ(written.error().message().find("Success"), std::string::npos);
  EXPECT_NE(written.error().message().find("4 of 10 bytes"), std::string::npos);
}

TEST(CreateFileTest, CreatesWithTheModeAndNeverReplaces) {
  const TestDirectory directory;
  const path file = directory / "file";
  ASSERT_TRUE(create_file(file, "one"));
  EXPECT_EQ(*read_file(file), "one");
  EXPECT_EQ(mode_of(file), 0600U);
  const auto again = create_file(file, "two");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(*read_file(file), "one");
  EXPECT_EQ(names_in(directory.path()), std::vector<std::string>{"file"});
  EXPECT_EQ(create_file(directory / "missing/file", "x").error().code(), ErrorCode::kNotFound);
}

TEST(MakeDirectoriesDurablyTest, MakesAllThatAreMissing) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories_durably(directory / "a/b/c"));
  EXPECT_TRUE(fs::is_directory(directory / "a/b/c"));
  EXPECT_TRUE(make_directories_durably(directory / "a/b/c"));
  (void)directory.file("file", "");
  EXPECT_FALSE(make_directories_durably(directory / "file/below"));
}

TEST(ReplaceFileTest, CreatesAndReplacesWithTheMode) {
  const TestDirectory directory;
  const path file = directory / "state";
  EXPECT_TRUE(replace_file(file, "one"));
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_TRUE(replace_file(file, "two", 0640));
  EXPECT_EQ(read_file(file).value(), "two");
  EXPECT_EQ(mode_of(file), 0640U);
  EXPECT_EQ(names_in(directory.path()).size(), 1U);
}

TEST(ReplaceFileTest, AFailureLeavesTheOldContentsAndNoRubbish) {
  const TestDirectory directory;
  const path file = directory.file("state", "old");
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{.rlim_cur = 4, .rlim_max = old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Result<void> replaced = replace_file(file, "longer than four bytes");
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(replaced.error().error_number(), EFBIG);
  EXPECT_EQ(read_file(file).value(), "old");
  EXPECT_EQ(names_in(directory.path()).size(), 1U);
}

// Two threads that replace one file used to share the temporary name, and could install a mixture.
TEST(ReplaceFileTest, ThreadsNeverMixTheirContents) {
  const TestDirectory directory;
  const path file = directory / "state";
  std::vector<std::thread> threads;
  for (const char letter : {'a', 'b', 'c', 'd'})
    threads.emplace_back([&file, letter] {
      for (int i = 1; i < 25; ++i)
        EXPECT_TRUE(replace_file(file, std::string(static_cast<std::size_t>(i) * 1000, letter)));
    });
  for (std::thread& thread : threads) thread.join();
  const std::string contents = read_file(file).value();
  EXPECT_EQ(contents.size(), 24000U);
  EXPECT_EQ(contents.find_first_not_of(contents.front()), std::string::npos);
  EXPECT_EQ(names_in(directory.path()).size(), 1U);
}

TEST(MakeDirectoriesTest, MakesTheWholePathPrivateAndIsIdempotent) {
  const TestDirectory directory;
  EXPECT_TRUE(make_directories(directory / "a/b/c/"));
  EXPECT_TRUE(make_directories(directory / "a/b/c"));
  EXPECT_EQ(mode_of(directory / "a"), 0700U);
  EXPECT_EQ(mode_of(directory / "a/b/c"), 0700U);
  EXPECT_TRUE(make_directories(""));
}

TEST(MakeDirectoriesTest, AFileInTheWayIsAnError) {
  const TestDirectory directory;
  const path file = directory.file("plain", "");
  EXPECT_EQ(make_directories(file).error().error_number(), EEXIST);
  EXPECT_EQ(make_directories(file / "below").error().error_number(), ENOTDIR);
}

TEST(SyncTest, SyncsFilesAndTreesAndReportsWhatIsMissing) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "tree/sub"));
  EXPECT_TRUE(sync_path(directory.file("tree/sub/file", "x")));
  // Opening a pipe that nobody writes to would block for ever.
  ASSERT_EQ(::mkfifo((directory / "tree/pipe").c_str(), 0600), 0);
  fs::create_symlink("/no/such/target", directory / "tree/dangling");
  EXPECT_TRUE(sync_tree(directory / "tree"));
  EXPECT_EQ(sync_tree(directory / "absent").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(sync_path(directory / "absent").error().code(), ErrorCode::kNotFound);
}

TEST(RemoveTreeTest, RemovesAllButNothingBehindLinks) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "keep"));
  const path kept = directory.file("keep/file", "x");
  ASSERT_TRUE(make_directories(directory / "tree/sub"));
  fs::create_directory_symlink(directory / "keep", directory / "tree/link");
  EXPECT_TRUE(remove_tree(directory / "tree"));
  EXPECT_FALSE(fs::exists(directory / "tree"));
  EXPECT_TRUE(fs::exists(kept));
  EXPECT_TRUE(remove_tree(directory / "tree")) << "a missing path is success";
}

TEST(EmptyDirectoryTest, KeepsTheDirectoryItself) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "full/sub", 0750));
  ASSERT_EQ(::chmod((directory / "full").c_str(), 0750), 0);
  ASSERT_TRUE(create_file(directory / "full/file", "x"));
  ASSERT_TRUE(create_file(directory / "full/sub/file", "x"));
  EXPECT_TRUE(empty_directory(directory / "full"));
  EXPECT_EQ(names_in(directory / "full"), std::vector<std::string>{});
  EXPECT_EQ(mode_of(directory / "full"), 0750U);
  EXPECT_TRUE(empty_directory(directory / "full")) << "an empty one is success";
  EXPECT_EQ(empty_directory(directory / "missing").error().code(), base::ErrorCode::kNotFound);
}

TEST(RenameDurablyTest, MovesBetweenDirectoriesAndKeepsFullOnes) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "from/x"));
  ASSERT_TRUE(make_directories(directory / "to"));
  EXPECT_TRUE(rename_durably(directory / "from/x", directory / "to/x"));
  EXPECT_TRUE(fs::is_directory(directory / "to/x"));
  EXPECT_EQ(rename_durably(directory / "from", directory / "to").error().code(), ErrorCode::kBusy);
  EXPECT_EQ(rename_durably(directory / "absent", directory / "new").error().code(),
            ErrorCode::kNotFound);
}

TEST(TreeBytesTest, CountsRegularFilesOnly) {
  const TestDirectory directory;
  ASSERT_TRUE(make_directories(directory / "tree/sub"));
  const path ten = directory.file("tree/ten", "0123456789");
  std::ignore = directory.file("tree/sub/five", "01234");
  fs::create_symlink(ten, directory / "tree/link");
  EXPECT_EQ(tree_bytes(directory / "tree"), 15U);
  EXPECT_EQ(tree_bytes(directory / "absent"), 0U);
}

TEST(FreeBytesTest, AgreesWithTheLibrarysView) {
  const TestDirectory directory;
  const std::uint64_t ours = free_bytes(directory.path()).value();
  const std::uint64_t theirs = fs::space(directory.path()).free;
  constexpr std::uint64_t kOthersMayWrite = std::uint64_t{2} << 30;
  EXPECT_LT(ours > theirs ? ours - theirs : theirs - ours, kOthersMayWrite);
  EXPECT_FALSE(free_bytes(directory / "absent"));
}

TEST(ExecutableDirectoryTest, HoldsThisTest) {
  const path directory = executable_directory().value();
  EXPECT_TRUE(fs::exists(directory / fs::read_symlink("/proc/self/exe").filename()));
}

TEST(UniqueFdTest, OwnsAndGivesUp) {
  UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = first.get();
  UniqueFd second(std::move(first));
  EXPECT_EQ(second.get(), number);
  UniqueFd& same = second;
  second = std::move(same);  // moving onto itself must not lose the descriptor
  EXPECT_EQ(second.get(), number);
  second.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_FALSE(second.valid());
}

}  // namespace
}  // namespace reprise::sys
