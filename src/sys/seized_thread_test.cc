// SPDX-License-Identifier: Apache-2.0
#include "sys/seized_thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace reprise::sys {
namespace {

constexpr std::chrono::seconds kPatience{60};

// A child that runs `what`, which gets a descriptor to write to when it has begun; waits for that.
template <typename What>
pid_t start(const What& what) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) what(pipe[1]);
  char byte = 0;
  EXPECT_EQ(::read(pipe[0], &byte, 1), 1);
  ::close(pipe[0]);
  ::close(pipe[1]);
  return child;
}

// Counts in its registers and on its stack, and ends with 0 when told by SIGUSR1.
[[noreturn]] void count(int begun) {
  static volatile sig_atomic_t told = 0;
  ::signal(SIGUSR1, [](int) { told = 1; });
  if (::write(begun, "x", 1) != 1) ::_exit(3);
  volatile std::uint64_t on_stack = 0;
  for (std::uint64_t in_register = 0; told == 0; ++in_register) {
    on_stack = on_stack + 1;
    if (on_stack != in_register + 1) ::_exit(1);
    if (::prctl(PR_GET_DUMPABLE) > 2) ::_exit(2);
  }
  ::_exit(0);
}

TEST(SeizedThreadTest, MakesSystemCallsAndGoesOnAsBefore) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to suspend seccomp";
  const pid_t child = start(count);
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    auto thread = SeizedThread::seize(child, kPatience);
    ASSERT_TRUE(thread) << thread.error().message();
    EXPECT_EQ(thread->call(SYS_getpid, {}).value_or(0), child);
    EXPECT_EQ(thread->call(SYS_close, {static_cast<std::uint64_t>(-1)}).value_or(0), -EBADF);
    const std::uint64_t word = 0;
    const auto at = thread->place(&word, sizeof(word));
    ASSERT_TRUE(at) << at.error().message();
    EXPECT_EQ(thread->call(SYS_prctl, {PR_GET_CHILD_SUBREAPER, *at}).value_or(-1), 0);
    std::uint64_t answer = 7;
    ASSERT_TRUE(thread->fetch(&answer, sizeof(answer)));
    EXPECT_EQ(answer, 0U);
    // Comes while the thread is ours, and must not get lost.
    if (round + 1 == kRounds) ::kill(child, SIGUSR1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// The kernel gives calls that it interrupts another beginning only on one way back to the program.
TEST(SeizedThreadTest, LetsAnInterruptedCallGoOn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to suspend seccomp";
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t child = start([&](int begun) {
    if (::write(begun, "", 1) != 1) ::_exit(2);
    char byte = 0;
    const ssize_t got = ::read(pipe[0], &byte, 1);
    ::_exit(got == 1 && byte == 'x' ? 0 : 1);
  });
  constexpr int kRounds = 20;  // it waits for the pipe from one of the first on
  for (int round = 0; round < kRounds; ++round) {
    auto thread = SeizedThread::seize(child, kPatience);
    ASSERT_TRUE(thread) << thread.error().message();
    EXPECT_EQ(thread->call(SYS_getpid, {}).value_or(0), child);
  }
  EXPECT_EQ(::write(pipe[1], "x", 1), 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// Ends with 0 when SIGTRAP, sent by itself, has done to it what it does to `handler`.
[[noreturn]] void trap_when_told(void (*handler)(int), int begun) {
  static volatile sig_atomic_t told = 0;
  ::signal(SIGUSR1, [](int) { told = 1; });
  ::signal(SIGTRAP, handler);
  if (::write(begun, "", 1) != 1) ::_exit(2);
  while (told == 0) ::sched_yield();
  ::raise(SIGTRAP);
  ::_exit(handler == SIG_IGN ? 0 : 1);
}

// The kernel took the handler away at each step.
TEST(SeizedThreadTest, LeavesTheHandlerOfTraps) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to suspend seccomp";
  for (void (*handler)(int) : {+[](int) { ::_exit(0); }, SIG_IGN}) {
    const pid_t child = start([&](int begun) { trap_when_told(handler, begun); });
    {
      auto thread = SeizedThread::seize(child, kPatience);
      ASSERT_TRUE(thread) << thread.error().message();
      EXPECT_EQ(thread->call(SYS_getpid, {}).value_or(0), child);
    }
    ::kill(child, SIGUSR1);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

#if defined(__x86_64__) && __has_include(<sys/rseq.h>)
// As linux/rseq.h has it: begin, length, and where to go on after an interruption.
struct alignas(32) Sequence {
  std::uint64_t version = 0;
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  std::uint64_t abort = 0;
};

// Goes round in a restartable sequence; ends if it finds itself in one that the kernel has
// forgotten.
[[noreturn]] void repeat_a_sequence(int begun) {
  Sequence sequence;
  auto* const armed = reinterpret_cast<std::uint64_t*>(
      static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset + 8);
  if (::write(begun, "", 1) != 1) ::_exit(2);
  asm volatile(
      "leaq 2f(%%rip), %%rax\n"
      "movq %%rax, 8(%[sequence])\n"
      "leaq 3f(%%rip), %%rcx\n"
      "movq %%rcx, 24(%[sequence])\n"
      "subq %%rax, %%rcx\n"
      "subq $4, %%rcx\n"
      "movq %%rcx, 16(%[sequence])\n"
      "1: movq %[sequence], (%[armed])\n"
      "2: cmpq %[sequence], (%[armed])\n"
      "je 2b\n"
      "jmp 4f\n"
      ".long 0x53053053\n"  // what the kernel wants to find before it goes there
      "3: jmp 1b\n"
      "4:\n"
      :
      : [sequence] "r"(&sequence), [armed] "r"(armed)
      : "rax", "rcx", "memory");
  ::_exit(1);
}

TEST(SeizedThreadTest, BeginsRestartableSequencesAnew) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to suspend seccomp";
  if (__rseq_size == 0) GTEST_SKIP() << "needs a C library that uses rseq";
  const pid_t child = start(repeat_a_sequence);
  for (int round = 0; round < 20; ++round) {
    auto thread = SeizedThread::seize(child, kPatience);
    ASSERT_TRUE(thread) << thread.error().message();
    EXPECT_EQ(thread->call(SYS_getpid, {}).value_or(0), child);
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, SIGKILL) << "it had ended";
}
#endif

TEST(SeizedThreadTest, SaysWhatIsGoneAndWhatIsTraced) {
  EXPECT_EQ(SeizedThread::seize(4194304, kPatience).error().code(), base::ErrorCode::kGone);
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  {
    const auto first = SeizedThread::seize(child, kPatience);
    if (!first) GTEST_SKIP() << first.error().message();
    EXPECT_EQ(SeizedThread::seize(child, kPatience).error().code(), base::ErrorCode::kDenied);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace reprise::sys
