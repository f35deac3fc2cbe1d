// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/spawning.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>
#include <utility>

namespace reprise::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A process whose child does not call execve(2) until it is told to end.
class Spawning {
 public:
  Spawning() {
    EXPECT_EQ(::pipe(pipe_.data()), 0);
    process_ = ::fork();
    if (process_ != 0) return;
    ::close(pipe_[1]);
    ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // whom Yama would keep from it
    // vfork(2) but for the memory, which is a copy: the child may do as it likes.
    const long child = ::syscall(SYS_clone, CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, 0);
    if (child == 0) {
      char byte = 0;
      (void)!::read(pipe_[0], &byte, 1);
      ::_exit(0);
    }
    ::pause();
    ::_exit(0);
  }
  ~Spawning() {
    end_child();
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(pipe_[0]);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
  void end_child() {
    if (pipe_[1] >= 0) ::close(pipe_[1]);
    pipe_[1] = -1;
  }
  [[nodiscard]] pid_t process() const { return process_; }

 private:
  std::array<int, 2> pipe_{};
  pid_t process_ = 0;
};

void await_spawning(const Spawning& spawning) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(20);
  while (spawning_threads("/proc", spawning.process()).empty() && steady_clock::now() < deadline)
    std::this_thread::yield();
}

TEST(SpawningTest, AParentWaitsForItsChild) {
  Spawning spawning;
  await_spawning(spawning);
  EXPECT_EQ(spawning_threads("/proc", spawning.process()), std::set<pid_t>{spawning.process()});
  // Nobody traces it: it is not stuck, however often one looks.
  StuckSpawns stuck(spawning.process());
  EXPECT_FALSE(stuck.look());
  EXPECT_FALSE(stuck.look());
  const auto begin = steady_clock::now();
  await_spawns(spawning.process(), milliseconds(30));
  EXPECT_GE(steady_clock::now() - begin, milliseconds(30));
  spawning.end_child();
  await_spawns(spawning.process(), std::chrono::seconds(20));
  EXPECT_TRUE(spawning_threads("/proc", spawning.process()).empty());
}

// A process of this name that traces another, until SIGALRM or the test ends it.
class Tracer {
 public:
  Tracer(const char* name, pid_t traced) {
    std::array<int, 2> begun{};
    EXPECT_EQ(::pipe(begun.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_NAME, name);
      const char done = ::ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) == 0 ? 1 : 0;
      (void)!::write(begun[1], &done, 1);
      ::pause();
      ::_exit(0);
    }
    char done = 0;
    EXPECT_EQ(::read(begun[0], &done, 1), 1);
    EXPECT_EQ(done, 1) << "it may not be traced";
    for (const int end : begun) ::close(end);
  }
  ~Tracer() { (void)ended_by(SIGKILL); }
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  // Which signal ended it, `signal` at the latest.
  int ended_by(int signal) {
    if (process_ == 0) return 0;
    ::kill(process_, signal);
    int status = 0;
    ::waitpid(std::exchange(process_, 0), &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  pid_t process_ = 0;
};

// Only what waits at two looks in a row is stuck: at one, it may just be going on.
TEST(SpawningTest, CriuIsToldOnceToGiveUp) {
  const Spawning spawning;
  await_spawning(spawning);
  Tracer criu("criu", spawning.process());
  StuckSpawns stuck(spawning.process());
  EXPECT_FALSE(stuck.look());
  EXPECT_TRUE(stuck.look());
  EXPECT_EQ(criu.ended_by(SIGTERM), SIGALRM) << "the lower number comes first";
  EXPECT_FALSE(stuck.look());
}

TEST(SpawningTest, NobodyElsesTracerIsEnded) {
  const Spawning spawning;
  await_spawning(spawning);
  Tracer debugger("gdb", spawning.process());
  StuckSpawns stuck(spawning.process());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(stuck.look());
  EXPECT_EQ(debugger.ended_by(SIGTERM), SIGTERM);
}

TEST(SpawningTest, OtherWaitsAreNone) {
  const pid_t process = ::fork();
  if (process == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_TRUE(spawning_threads("/proc", process).empty());
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  EXPECT_TRUE(spawning_threads("/proc", process).empty()) << "it has ended";
}

}  // namespace
}  // namespace reprise::engine
