// SPDX-License-Identifier: Apache-2.0
#include "sys/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "sys/post_fork.h"

namespace reprise::sys {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

constexpr std::string_view kSystemPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

std::string_view path_of(const std::vector<std::string>& env) {
  constexpr std::string_view kName = "PATH=";
  for (const std::string& entry : env)
    if (entry.starts_with(kName)) return std::string_view(entry).substr(kName.size());
  return kSystemPath;
}

// execve does no lookup, so find the program here, before the fork, where errors are easy.
Result<std::string> find_program(const std::string& name, std::string_view search_path) {
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) == 0) return name;
    return fail_errno(errno, "starting '" + name + "'");
  }
  std::string_view rest = search_path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return std::unexpected(Error(ErrorCode::kNotFound, "'" + name + "' is not installed")
                             .with_hint("install the package that provides '" + name +
                                        "' (looked in " + std::string(search_path) + ")"));
}

// What the child reported before it could become the program; nullopt if it did.
std::optional<PostForkFailure> read_report(const UniqueFd& report) {
  PostForkFailure failure{};
  ssize_t n = 0;
  do n = ::read(report.get(), &failure, sizeof failure);
  while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof failure)) return std::nullopt;
  return failure;
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// How long a child that was sent SIGKILL may take to end. One that sits in the kernel (state D)
// takes as long as the kernel does, and its parent must not wait with it.
constexpr int kKillPatienceMs = 2000;

bool ends_soon(const UniqueFd& pidfd) {
  pollfd poll_fd{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do ready = ::poll(&poll_fd, 1, kKillPatienceMs);
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

std::string ExitStatus::describe() const {
  if (signal != 0) return "killed by signal " + std::to_string(signal);
  return "exit status " + std::to_string(exit_code);
}

std::vector<std::string> default_environment(
    const std::vector<std::pair<std::string, std::string>>& extra) {
  std::vector<std::string> env;
  bool has_path = false;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    if (std::ranges::any_of(extra, [&](const auto& e) { return e.first == name; })) continue;
    if (name == "PATH") {
      has_path = true;
      env.emplace_back(std::string(text) + ":" + std::string(kSystemPath));
    } else {
      env.emplace_back(text);
    }
  }
  if (!has_path) env.emplace_back("PATH=" + std::string(kSystemPath));
  for (const auto& [name, value] : extra) env.push_back(name + "=" + value);
  return env;
}

Result<Child> Child::spawn(const SpawnOptions& options) {
  REPRISE_ASSERT(!options.argv.empty());
  const std::string program =
      REPRISE_PASS(find_program(options.argv.front(), path_of(options.env)));
  const std::vector<char*> argv = pointers(options.argv);
  const std::vector<char*> env = pointers(options.env);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe");
  UniqueFd report_read(report[0]);
  UniqueFd report_write(report[1]);

  PostForkPlan plan;
  plan.program = program.c_str();
  plan.argv = argv.data();
  plan.env = env.data();
  plan.null_stdio = options.stdio == Stdio::kNull;
  plan.new_session = options.new_session;
  plan.own_mounts = options.own_mounts;
  plan.report_fd = report_write.get();
  if (options.fds.size() > plan.fds.size())
    return fail(ErrorCode::kInternal, "too many descriptors for a child");
  std::ranges::copy(options.fds, plan.fds.begin());
  plan.fd_count = options.fds.size();

  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "forking for '" + program + "'");
  if (pid == 0) run_post_fork_plan(plan);

  Child child(pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  if (!child.pidfd_.valid()) {
    const int error_number = errno;
    ::kill(pid, SIGKILL);  // not reaped yet, so the pid is still its own
    reap(pid);
    return fail_errno(error_number, "opening '" + program + "' as a process");
  }
  report_write.reset();
  if (const std::optional<PostForkFailure> failure = read_report(report_read))
    return fail_errno(failure->error_number,
                      std::string(failure->stage_name()) + " for '" + program + "'");
  return child;
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill_and_reap();
    pid_ = other.pid_;
    pidfd_ = std::move(other.pidfd_);
    status_ = other.status_;
  }
  return *this;
}

Child::~Child() { kill_and_reap(); }

void Child::kill_and_reap() noexcept {
  if (!pidfd_.valid() || status_) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  if (ends_soon(pidfd_)) reap(pid_);
  pidfd_.reset();
}

Result<ExitStatus> Child::wait(std::optional<std::chrono::milliseconds> timeout) {
  if (status_) return *status_;
  REPRISE_ASSERT(pidfd_.valid());
  pollfd poll_fd{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  const auto deadline = std::chrono::steady_clock::now() + timeout.value_or(std::chrono::hours(0));
  for (;;) {
    int wait_ms = -1;
    if (timeout) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      wait_ms = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }
    const int ready = ::poll(&poll_fd, 1, wait_ms);
    if (ready > 0) break;
    if (ready == 0) return fail(ErrorCode::kBusy, "the program is still running");
    if (errno != EINTR) return fail_errno(errno, "waiting for a program");
  }
  int raw = 0;
  if (::waitpid(pid_, &raw, 0) != pid_) return fail_errno(errno, "reaping a program");
  status_ = WIFSIGNALED(raw) ? ExitStatus{.exit_code = 0, .signal = WTERMSIG(raw)}
                             : ExitStatus{.exit_code = WEXITSTATUS(raw), .signal = 0};
  return *status_;
}

Result<void> Child::kill(int signal) {
  if (status_) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0 && errno != ESRCH)
    return fail_errno(errno, "sending signal " + std::to_string(signal));
  return {};
}

}  // namespace reprise::sys
