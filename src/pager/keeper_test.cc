// SPDX-License-Identifier: Apache-2.0
//
// Pagers and keepers that are killed, under a program that knows what each of its pages must be.
#include "pager/keeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "pager/service.h"
#include "pager/test_program.h"

namespace reprise::pager {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

// Memory of a program, and what it should find there: one word for each page.
class Shadow {
 public:
  Shadow(std::byte* memory, std::size_t pages) {
    for (std::size_t first = 0; first < pages; first += kPages) {
      Segment segment{.memory = memory + first * kPageBytes, .words = {}};
      for (std::size_t page = first; page < first + kPages; ++page)
        segment.words.push_back(saved_word(page * kPageBytes));
      segments_.push_back(std::move(segment));
    }
  }

  void do_something() {
    Segment& segment = segments_[below(segments_.size())];
    const std::size_t page = below(kPages);
    switch (below(100)) {
      case 0:
        return move(segment);
      case 1:
        return remap(segment, page, 1 + below(kPages - page));
      case 2:
      case 3:
        return drop(segment, page, 1 + below(std::min<std::size_t>(8, kPages - page)));
      case 4:
        return fork();
      default:
        if (below(4) == 0) return write(segment, page, random_());
        return check(segment, page);
    }
  }
  void check_all() {
    for (Segment& segment : segments_)
      for (std::size_t page = 0; page < kPages; ++page) check(segment, page);
  }
  [[nodiscard]] int wrong() const { return std::min(wrong_, 90); }

 private:
  static constexpr std::size_t kPages = 256;
  struct Segment {
    std::byte* memory = nullptr;
    std::vector<std::uint64_t> words;
  };

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  void check(const Segment& segment, std::size_t page) {
    if (word_at(segment.memory + page * kPageBytes) != segment.words[page]) ++wrong_;
  }
  static void write(Segment& segment, std::size_t page, std::uint64_t word) {
    segment.words[page] = word;
    std::memcpy(segment.memory + page * kPageBytes, &word, sizeof word);
  }
  static void drop(Segment& segment, std::size_t page, std::size_t count) {
    ::madvise(segment.memory + page * kPageBytes, count * kPageBytes, MADV_DONTNEED);
    std::fill_n(segment.words.begin() + static_cast<std::ptrdiff_t>(page), count, 0);
  }
  static void remap(Segment& segment, std::size_t page, std::size_t count) {
    ::munmap(segment.memory + page * kPageBytes, count * kPageBytes);
    ::mmap(segment.memory + page * kPageBytes, count * kPageBytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    std::fill_n(segment.words.begin() + static_cast<std::ptrdiff_t>(page), count, 0);
  }
  // Page by page: it may lie in several mappings by now.
  static void move(Segment& segment) {
    auto* to = static_cast<std::byte*>(
        ::mmap(nullptr, kPages * kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (std::size_t at = 0; at < kPages * kPageBytes; at += kPageBytes)
      ::mremap(segment.memory + at, kPageBytes, kPageBytes, MREMAP_MAYMOVE | MREMAP_FIXED, to + at);
    segment.memory = to;
  }
  void fork() {
    const pid_t child = ::fork();
    if (child == 0) {
      wrong_ = 0;
      for (int i = 0; i < 200; ++i) {
        Segment& segment = segments_[below(segments_.size())];
        const std::size_t page = below(kPages);
        check(segment, page);
        if (i % 8 == 0) write(segment, page, random_());
        if (i % 16 == 0) drop(segment, page, 1);
      }
      ::_exit(wrong());
    }
    int status = 0;
    if (child > 0 && ::waitpid(child, &status, 0) == child) wrong_ += WEXITSTATUS(status);
  }

  std::vector<Segment> segments_;
  std::mt19937_64 random_{static_cast<std::uint64_t>(::getpid())};
  int wrong_ = 0;
};

class KeeperTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPages = 16 * 1024;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may follow forks by userfaultfd";
    auto journal = Journal::make();
    ASSERT_TRUE(journal) << journal.error().message();
    journal_ = std::make_unique<Journal>(std::move(*journal));
  }
  void TearDown() override {
    if (crew_ <= 0) return;
    kill_members();
    ::waitpid(crew_, nullptr, 0);
  }

  void start(const TestProgram::Main& main, ServiceOptions options) {
    program_ = std::make_unique<TestProgram>(kPages, main);
    ASSERT_TRUE(program_->waits());
    descriptor_ = program_->take_descriptor();
    options_ = options;
    crew_ = ::fork();
    if (crew_ == 0) run_crew();
    descriptor_.reset();
    while (journal_->phase() == Phase::kRestoring) std::this_thread::yield();
    program_->go();
  }
  [[noreturn]] void run_crew() {
    program_->abandon();  // the test's, not this process's
    const CrewPlan plan{.pager = [this] { page(); },
                        .finish =
                            [this](Phase phase) {
                              if (phase == Phase::kLost) ::kill(program_->pid(), SIGKILL);
                            },
                        .most_pagers = 10'000};
    keep(*journal_, plan, kFirstOwnFd);
    ::_exit(0);
  }
  void page() {
    PatternSource source;
    source.fails = source_fails_;
    auto service = Service::start(
        source,
        [this](std::uint32_t) -> base::Result<SpaceImage> {
          SpaceImage image{.file = "pages-1.img", .missing = {}};
          image.missing.add(
              {.address = program_->address(), .bytes = kPages * kPageBytes, .offset = 0});
          return image;
        },
        *journal_, options_);
    if (!service) ::_exit(1);
    if (descriptor_.valid() && journal_->records().empty() &&
        !(*service)->add(std::move(descriptor_), 1))
      ::_exit(2);
    (*service)->begin_background();
    while (!(*service)->wait(minutes{1})) {
    }
  }
  void kill_members() {
    const Journal::Crew& crew = journal_->crew();
    for (const pid_t pid : {crew.keeper.pid, crew.spare.pid, crew.pager.pid})
      if (pid > 0) ::kill(pid, SIGKILL);
  }
  // Another process than `was` has its place, and no other place is empty.
  void await_other(const volatile Journal::Member& member, pid_t was) const {
    const volatile Journal::Crew& crew = journal_->crew();
    const auto whole = [&] {
      return member.pid != was && crew.keeper.pid > 0 && crew.spare.pid > 0 && crew.pager.pid > 0;
    };
    while (!is_over(journal_->phase()) && !whole()) std::this_thread::yield();
  }

  // Descriptors below it are the test's.
  static constexpr int kFirstOwnFd = 100;
  std::unique_ptr<TestProgram> program_;
  sys::UniqueFd descriptor_;
  std::unique_ptr<Journal> journal_;
  ServiceOptions options_;
  bool source_fails_ = false;
  pid_t crew_ = 0;
};

int check_much(std::byte* memory, std::size_t pages) {
  Shadow shadow(memory, pages);
  for (int i = 0; i < 4'000; ++i) shadow.do_something();
  shadow.check_all();
  return shadow.wrong();
}

TEST_F(KeeperTest, AProgramThatChangesMuchFindsAllAsItWas) {
  start(check_much, {.bytes_per_second = std::uint64_t{24} << 20U});
  EXPECT_EQ(program_->wait(), 0);
}

// Whoever is killed, others go on, also in the middle of a fork, a move or a removal.
TEST_F(KeeperTest, NothingIsLostWithThoseThatAreKilled) {
  start(check_much, {.bytes_per_second = std::uint64_t{24} << 20U});
  std::thread storm([this] {
    std::mt19937 random(1);  // NOLINT: the same in each run
    Journal::Crew& crew = journal_->crew();
    for (int kills = 0; kills < 60 && !is_over(journal_->phase()); ++kills) {
      const Journal::Member* members[] = {&crew.pager, &crew.pager, &crew.keeper, &crew.spare};
      const Journal::Member& member = *members[random() % 4];
      await_other(member, 0);
      const pid_t pid = member.pid;
      ::kill(pid, SIGKILL);
      await_other(member, pid);
    }
  });
  EXPECT_EQ(program_->wait(), 0);
  storm.join();
  EXPECT_GT(journal_->crew().pagers, 1U);
}

TEST_F(KeeperTest, WhatIsLostEndsTheProgramWithItsReason) {
  source_fails_ = true;
  start([](std::byte* memory, std::size_t) { return word_at(memory) == 0 ? 1 : 0; },
        {.patience = milliseconds{20}, .first_retry = milliseconds{1}});
  EXPECT_EQ(program_->wait(), 1000 + SIGKILL);
  EXPECT_EQ(journal_->phase(), Phase::kLost);
  EXPECT_TRUE(journal_->reason().contains("the disk does not answer")) << journal_->reason();
}

TEST_F(KeeperTest, ACrewEndsWhenNothingIsMissing) {
  start([](std::byte* memory,
           std::size_t pages) { return word_at(memory + (pages - 1) * kPageBytes) != 0 ? 0 : 1; },
        {});
  EXPECT_EQ(program_->wait(), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(crew_, &status, 0), crew_);
  crew_ = 0;
  EXPECT_TRUE(is_over(journal_->phase()));
}

}  // namespace
}  // namespace reprise::pager
