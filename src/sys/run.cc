// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/child.h"
#include "sys/files.h"
#include "sys/readable.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using std::chrono::steady_clock;

namespace {

// Output goes to memory files: no pipe that could fill up while we wait, and no reader thread.
Result<UniqueFd> memory_file(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, "making a memory file");
  return fd;
}

Result<std::string> contents(const UniqueFd& fd) {
  return read_file("/proc/self/fd/" + std::to_string(fd.get()));
}

base::Error failed(const std::string& name, ExitStatus status, const std::string& err) {
  return {ErrorCode::kIo, "'" + name + "' failed (" + status.describe() + "): " + last_line(err)};
}

// Reads what a child writes, until it closes the pipe or ends.
Result<std::size_t> read_into(const UniqueFd& pipe, const UniqueFd& child,
                              steady_clock::time_point deadline, std::span<std::byte> into) {
  std::size_t size = 0;
  for (;;) {
    const Readable ready = REPRISE_PASS(wait_readable(pipe, child, deadline));
    if (ready == Readable::kNeither) return fail(ErrorCode::kBusy, "it did not end in time");
    // Not the end of the pipe, but of the child, whose own children may hold the other end.
    if (ready == Readable::kSecond) return size;
    std::byte more{};
    const bool full = size == into.size();
    const ssize_t n = ::read(pipe.get(), full ? &more : into.data() + size,
                             full ? sizeof more : into.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, "reading its output");
    if (n == 0) return size;
    if (full) return fail(ErrorCode::kInvalidInput, "its output is too long");
    size += static_cast<std::size_t>(n);
  }
}

}  // namespace

std::string last_line(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

Result<RunResult> run(SpawnOptions options, std::chrono::milliseconds timeout,
                      std::string_view input) {
  const UniqueFd out = REPRISE_PASS(memory_file("stdout"));
  const UniqueFd err = REPRISE_PASS(memory_file("stderr"));
  const UniqueFd in = REPRISE_PASS(memory_file("stdin"));
  if (::write(in.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()) ||
      ::lseek(in.get(), 0, SEEK_SET) != 0)
    return fail_errno(errno, "writing a program's input");
  const bool goes_elsewhere =
      std::ranges::any_of(options.fds, [](const auto& pair) { return pair.second == 1; });
  options.fds.insert(options.fds.end(), {{in.get(), 0}, {err.get(), 2}});
  if (!goes_elsewhere) options.fds.emplace_back(out.get(), 1);
  const std::string name = options.argv.front();
  Child child = REPRISE_PASS(Child::spawn(options));
  const ExitStatus status = REPRISE_TRY(child.wait(timeout), "running '" + name + "'");
  std::string printed = REPRISE_PASS(contents(out));
  std::string complaints = REPRISE_PASS(contents(err));
  return RunResult{.status = status, .out = std::move(printed), .err = std::move(complaints)};
}

Result<std::string> run_ok(std::vector<std::string> argv, std::chrono::milliseconds timeout,
                           std::string_view input) {
  const std::string name = argv.front();
  SpawnOptions options;
  options.argv = std::move(argv);
  options.env = default_environment();
  RunResult result = REPRISE_PASS(run(std::move(options), timeout, input));
  if (result.status.success()) return std::move(result.out);
  return std::unexpected(failed(name, result.status, result.err));
}

Result<std::size_t> run_into(SpawnOptions options, std::chrono::milliseconds timeout,
                             std::span<std::byte> into) {
  const steady_clock::time_point deadline = steady_clock::now() + timeout;
  const std::string name = options.argv.front();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "making a pipe");
  const UniqueFd out(ends[0]);
  UniqueFd write_end(ends[1]);
  const UniqueFd err = REPRISE_PASS(memory_file("stderr"));
  options.fds.insert(options.fds.end(), {{write_end.get(), 1}, {err.get(), 2}});
  Child child = REPRISE_PASS(Child::spawn(options));
  write_end.reset();
  const std::string step = "running '" + name + "'";
  const std::size_t size = REPRISE_TRY(read_into(out, child.pidfd(), deadline, into), step);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
  const ExitStatus status =
      REPRISE_TRY(child.wait(std::max(left, std::chrono::milliseconds(0))), step);
  if (status.success()) return size;
  return std::unexpected(failed(name, status, REPRISE_PASS(contents(err))));
}

}  // namespace reprise::sys
