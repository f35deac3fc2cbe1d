// SPDX-License-Identifier: Apache-2.0
#include "sys/post_fork.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

namespace reprise::sys {
namespace {

// Above every number that a caller maps to, so that moving one descriptor never overwrites another.
constexpr int kFirstScratchFd = 64;
constexpr int kExecFailed = 127;  // the shells' convention

[[noreturn]] void give_up(int report_fd, PostForkFailure::Stage stage) noexcept {
  const PostForkFailure failure{.stage = stage, .error_number = errno};
  [[maybe_unused]] const ssize_t n = ::write(report_fd, &failure, sizeof failure);
  ::_exit(kExecFailed);
}

void take_own_mounts(int report_fd) noexcept {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    give_up(report_fd, PostForkFailure::Stage::kMounts);
}

void null_stdio(int report_fd) noexcept {
  // Where the caller's stdin is closed this descriptor is number 0 itself, and dup2 onto itself
  // would keep a close-on-exec flag.
  const int fd = ::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open)
  if (fd < 0) give_up(report_fd, PostForkFailure::Stage::kStdio);
  for (int number = 0; number <= 2; ++number)
    if (::dup2(fd, number) < 0) give_up(report_fd, PostForkFailure::Stage::kStdio);
  if (fd > 2) ::close(fd);
}

void reset_signals() noexcept {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

[[noreturn]] void run_post_fork_plan(const PostForkPlan& plan) noexcept {
  using Stage = PostForkFailure::Stage;
  if (plan.new_session) ::setsid();
  const int report = ::fcntl(plan.report_fd, F_DUPFD_CLOEXEC, kFirstScratchFd);
  if (plan.own_mounts) take_own_mounts(report);
  std::array<int, 8> scratch{};
  for (std::size_t i = 0; i < plan.fd_count; ++i) {
    scratch[i] = ::fcntl(plan.fds[i].first, F_DUPFD_CLOEXEC, kFirstScratchFd);
    if (scratch[i] < 0) give_up(report, Stage::kDescriptors);
  }
  // A caller's descriptor without O_CLOEXEC (Podman leaks some) must not reach criu or a worker.
  ::syscall(SYS_close_range, 3, UINT_MAX, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
  if (plan.null_stdio) null_stdio(report);
  for (std::size_t i = 0; i < plan.fd_count; ++i)
    if (::dup2(scratch[i], plan.fds[i].second) < 0) give_up(report, Stage::kDescriptors);
  reset_signals();
  ::execve(plan.program, plan.argv, plan.env);
  give_up(report, Stage::kExec);
}

}  // namespace reprise::sys
