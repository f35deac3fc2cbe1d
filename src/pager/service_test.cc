// SPDX-License-Identifier: Apache-2.0
//
// Against real userfaultfds of real programs, children of the test.
#include "pager/service.h"

#include <gtest/gtest.h>
#include <sys/uio.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "pager/test_program.h"

namespace reprise::pager {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

// Every second page of the image is one of zeros that it does not have.
bool is_saved(std::size_t page) { return page % 4 != 3; }
std::uint64_t expected(std::size_t page) {
  return is_saved(page) ? saved_word(page * kPageBytes) : 0;
}
// The number of pages that are not as they were saved.
int wrong_pages(const std::byte* memory, std::size_t begin, std::size_t end) {
  int wrong = 0;
  for (std::size_t page = begin; page < end; ++page)
    if (word_at(memory + page * kPageBytes) != expected(page)) ++wrong;
  return wrong;
}

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may follow forks by userfaultfd";
  }

  // A program of `pages` pages, whose faults are served from now on.
  void start(std::size_t pages, const TestProgram::Main& main, ServiceOptions options = {}) {
    program_ = std::make_unique<TestProgram>(pages, main);
    ASSERT_TRUE(program_->waits());
    auto journal = Journal::make();
    ASSERT_TRUE(journal) << journal.error().message();
    journal_ = std::make_unique<Journal>(std::move(*journal));
    auto service = Service::start(
        source_,
        [this, pages](std::uint32_t) -> base::Result<SpaceImage> {
          SpaceImage image{.file = "pages-1.img", .missing = {}};
          for (std::size_t page = 0; page < pages; ++page)
            if (is_saved(page))
              image.missing.add({.address = program_->address() + page * kPageBytes,
                                 .bytes = kPageBytes,
                                 .offset = page * kPageBytes});
          return image;
        },
        *journal_, options);
    ASSERT_TRUE(service) << service.error().message();
    service_ = std::move(*service);
    ASSERT_TRUE(service_->add(program_->take_descriptor(), 1));
  }

  PatternSource source_;
  std::unique_ptr<TestProgram> program_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Service> service_;  // before what it uses
};

TEST_F(ServiceTest, WhatIsTouchedComesWithoutTheBackground) {
  start(512, [](std::byte* memory, std::size_t pages) { return wrong_pages(memory, 0, pages); });
  program_->go();
  EXPECT_EQ(program_->wait(), 0);
  EXPECT_GE(service_->progress().faults, 512U);
  service_->begin_background();
  EXPECT_TRUE(service_->wait(minutes{1}));
}

TEST_F(ServiceTest, TheBackgroundFillsWhatNobodyTouches) {
  start(20'000, [](std::byte*, std::size_t) {
    ::pause();
    return 0;
  });
  program_->go();
  service_->begin_background();
  ASSERT_TRUE(service_->wait(minutes{1}));
  EXPECT_EQ(journal_->phase(), Phase::kFull);
  EXPECT_EQ(service_->progress().filled, 15'000 * kPageBytes);
  std::vector<std::uint64_t> page(kPageBytes / 8);
  for (const std::size_t number : {0U, 3U, 9'998U, 19'998U}) {
    iovec here{.iov_base = page.data(), .iov_len = kPageBytes};
    iovec there{.iov_base = reinterpret_cast<void*>(program_->address() + number * kPageBytes),
                .iov_len = kPageBytes};
    ASSERT_EQ(::process_vm_readv(program_->pid(), &here, 1, &there, 1, 0),
              static_cast<ssize_t>(kPageBytes));
    EXPECT_EQ(page[0], expected(number));
    EXPECT_EQ(page[511], expected(number));
  }
}

TEST_F(ServiceTest, ThreadsThatTouchTheSamePagesAllGoOn) {
  start(4096, [](std::byte* memory, std::size_t pages) {
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] { wrong += wrong_pages(memory, 0, pages); });
    for (std::thread& thread : threads) thread.join();
    return std::min(wrong.load(), 90);
  });
  program_->go();
  service_->begin_background();
  EXPECT_EQ(program_->wait(), 0);
}

TEST_F(ServiceTest, AForkedChildMissesWhatItsParentMisses) {
  start(4096, [](std::byte* memory, std::size_t pages) {
    const int before = wrong_pages(memory, 0, pages / 2);
    const pid_t child = ::fork();
    if (child == 0) {
      const int wrong = wrong_pages(memory, 0, pages);
      std::memset(memory, 'c', pages * kPageBytes);
      ::_exit(std::min(wrong, 90));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return before + WEXITSTATUS(status) + wrong_pages(memory, 0, pages);
  });
  program_->go();
  EXPECT_EQ(program_->wait(), 0);
  service_->begin_background();
  EXPECT_TRUE(service_->wait(minutes{1}));
}

TEST_F(ServiceTest, AMovedMappingKeepsItsPages) {
  start(2048, [](std::byte* memory, std::size_t pages) {
    void* to = ::mmap(nullptr, pages * kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const std::size_t half = pages / 2 * kPageBytes;
    auto* moved = static_cast<std::byte*>(
        ::mremap(memory + half, half, half, MREMAP_MAYMOVE | MREMAP_FIXED, to));
    int wrong = wrong_pages(memory, 0, pages / 2);
    for (std::size_t page = pages / 2; page < pages; ++page)
      if (word_at(moved + (page * kPageBytes - half)) != expected(page)) ++wrong;
    return std::min(wrong, 90);
  });
  program_->go();
  EXPECT_EQ(program_->wait(), 0);
}

TEST_F(ServiceTest, WhatAProgramRemovedDoesNotComeBack) {
  start(4096, [](std::byte* memory, std::size_t pages) {
    const std::size_t third = pages / 3 * kPageBytes;
    ::madvise(memory, third, MADV_DONTNEED);
    ::munmap(memory + third, third);
    ::mmap(memory + third, third, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
           -1, 0);
    int wrong = 0;
    for (int look = 0; look < 50; ++look)
      for (std::size_t at = 0; at < 2 * third; at += kPageBytes)
        if (word_at(memory + at) != 0) ++wrong;
    return std::min(wrong + wrong_pages(memory, pages / 3 * 2, pages), 90);
  });
  program_->go();
  service_->begin_background();
  EXPECT_EQ(program_->wait(), 0);
}

TEST_F(ServiceTest, MappingsThatWereCutAreFilledPieceByPiece) {
  start(1024, [](std::byte* memory, std::size_t pages) {
    for (std::size_t page = 1; page < pages; page += 2)
      ::mprotect(memory + page * kPageBytes, kPageBytes, PROT_READ);
    ::pause();
    return 0;
  });
  program_->go();
  service_->begin_background();
  ASSERT_TRUE(service_->wait(minutes{1}));
  EXPECT_EQ(service_->progress().filled, 768 * kPageBytes);
}

TEST_F(ServiceTest, APageThatCannotBeReadIsWaitedFor) {
  source_.fails = true;
  start(16, [](std::byte* memory, std::size_t pages) { return wrong_pages(memory, 0, pages); },
        {.first_retry = milliseconds{1}});
  program_->go();
  while (source_.reads < 5) std::this_thread::yield();
  EXPECT_NE(service_->progress().trouble, "");
  source_.fails = false;
  EXPECT_EQ(program_->wait(), 0);
  EXPECT_EQ(service_->progress().trouble, "");
}

TEST_F(ServiceTest, APageThatIsLostIsNoZeros) {
  source_.fails = true;
  start(16, [](std::byte* memory, std::size_t) { return word_at(memory) == 0 ? 1 : 0; },
        {.patience = milliseconds{20}, .first_retry = milliseconds{1}});
  program_->go();
  ASSERT_TRUE(service_->wait(minutes{1}));
  EXPECT_EQ(journal_->phase(), Phase::kLost);
  EXPECT_TRUE(journal_->reason().contains("the disk does not answer")) << journal_->reason();
  ::kill(program_->pid(), SIGKILL);
  EXPECT_EQ(program_->wait(), 1000 + SIGKILL) << "it still waited";
}

TEST_F(ServiceTest, AProgramThatEndsNeedsNoMore) {
  source_.fails = true;
  start(16, [](std::byte*, std::size_t) { return 0; }, {.first_retry = milliseconds{1}});
  program_->go();
  EXPECT_EQ(program_->wait(), 0);
  service_->begin_background();
  ASSERT_TRUE(service_->wait(minutes{1}));
  EXPECT_EQ(journal_->phase(), Phase::kGone);
}

}  // namespace
}  // namespace reprise::pager
