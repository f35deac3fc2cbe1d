// SPDX-License-Identifier: Apache-2.0
//
// Child processes: started without inheriting anything by accident, waited for by pidfd.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::sys {

using base::Result;

// How a child ended.
struct ExitStatus {
  int exit_code = 0;  // meaningful if signal == 0
  int signal = 0;     // the signal that killed it, or 0
  [[nodiscard]] bool success() const { return signal == 0 && exit_code == 0; }
  // "exit status 3" or "killed by signal 9".
  [[nodiscard]] std::string describe() const;
};

// What of the caller's standard descriptors a child gets.
enum class Stdio : unsigned char { kInherit, kNull };

struct SpawnOptions {
  // argv[0] is looked up in the PATH of `env` (the system's if it has none) unless it contains '/'.
  std::vector<std::string> argv;
  // Whole environment of the child; see `default_environment()`.
  std::vector<std::string> env;
  Stdio stdio = Stdio::kNull;
  // Descriptor pairs {ours, the child's number}; set after `stdio`. Nothing else is inherited.
  std::vector<std::pair<int, int>> fds;
  bool new_session = false;  // setsid: survives the caller's terminal and process group
  // In a mount namespace of its own: it sees what the host mounts (where that is shared), and
  // nobody sees what it mounts, which is gone with it.
  bool own_mounts = false;
};

// The caller's environment with a PATH that is sure to hold the system's programs: Podman calls
// `kill` with a scrubbed environment (no PATH at all), and runc looks up criu by PATH.
std::vector<std::string> default_environment(
    const std::vector<std::pair<std::string, std::string>>& extra = {});

// A running child. Dropping it kills it with SIGKILL and reaps it; one that the kernel does not let
// die (state D) is left to whoever reaps orphans after 2 s. `detach()` lets it run on.
class Child {
 public:
  // kNotFound if the program does not exist.
  static Result<Child> spawn(const SpawnOptions& options);

  Child(Child&& other) noexcept = default;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  // The pid, for messages and for /proc of a child that was not yet waited for.
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Readable (poll) once the child has ended.
  [[nodiscard]] const UniqueFd& pidfd() const { return pidfd_; }

  // Waits until the child ends and reaps it. With a timeout: kBusy when it runs out, and the child
  // runs on. May be called again after success and then gives the same answer.
  Result<ExitStatus> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  // Sends a signal; a child that has ended already is success.
  Result<void> kill(int signal);
  // Gives up ownership: the child runs on, its parent (or a subreaper) must reap it.
  void detach() { pidfd_.reset(); }

 private:
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  void kill_and_reap() noexcept;

  pid_t pid_ = -1;
  UniqueFd pidfd_;  // empty once detached or moved from
  std::optional<ExitStatus> status_;
};

// Runs a program to its end and returns what it wrote to stdout and stderr.
struct RunResult {
  ExitStatus status;
  std::string out;
  std::string err;
};
// kBusy if it did not end within `timeout`; it is then killed. Where `options.fds` has something
// for stdout, that is where it goes, and `out` stays empty.
Result<RunResult> run(SpawnOptions options, std::chrono::milliseconds timeout,
                      std::string_view input = {});

// The last line that is not empty of what a program wrote: where it says why it failed, or Podman
// the id of what it made. Pure.
std::string last_line(std::string_view text);

// As `run`, but an unsuccessful exit is an error (kIo) that carries the program's last line.
Result<std::string> run_ok(std::vector<std::string> argv, std::chrono::milliseconds timeout,
                           std::string_view input = {});

// As `run_ok`, without input, for a program that writes a secret: stdout goes through a pipe into
// `into`, and is nowhere else in memory afterwards. Returns how many bytes. kInvalidInput if it
// wrote more than fits; it is then killed.
Result<std::size_t> run_into(SpawnOptions options, std::chrono::milliseconds timeout,
                             std::span<std::byte> into);

}  // namespace reprise::sys
