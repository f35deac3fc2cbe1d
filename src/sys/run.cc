// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "sys/child.h"
#include "sys/files.h"

namespace reprise::sys {

using base::Error;
using base::ErrorCode;
using base::fail_errno;

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

std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const std::size_t newline = text.rfind('\n');
  return newline == std::string::npos ? text : text.substr(newline + 1);
}

}  // namespace

Result<RunResult> run(SpawnOptions options, std::chrono::milliseconds timeout,
                      std::string_view input) {
  const UniqueFd out = REPRISE_PASS(memory_file("stdout"));
  const UniqueFd err = REPRISE_PASS(memory_file("stderr"));
  const UniqueFd in = REPRISE_PASS(memory_file("stdin"));
  if (::write(in.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size()) ||
      ::lseek(in.get(), 0, SEEK_SET) != 0)
    return fail_errno(errno, "writing a program's input");
  options.fds.insert(options.fds.end(), {{in.get(), 0}, {out.get(), 1}, {err.get(), 2}});
  const std::string name = options.argv.front();
  Child child = REPRISE_PASS(Child::spawn(options));
  const ExitStatus status = REPRISE_TRY(child.wait(timeout), "running '" + name + "'");
  return RunResult{
      .status = status, .out = REPRISE_PASS(contents(out)), .err = REPRISE_PASS(contents(err))};
}

Result<std::string> run_ok(std::vector<std::string> argv, std::chrono::milliseconds timeout,
                           std::string_view input) {
  const std::string name = argv.front();
  SpawnOptions options;
  options.argv = std::move(argv);
  options.env = default_environment();
  RunResult result = REPRISE_PASS(run(std::move(options), timeout, input));
  if (result.status.success()) return std::move(result.out);
  return std::unexpected(
      Error(ErrorCode::kIo,
            "'" + name + "' failed (" + result.status.describe() + "): " + last_line(result.err)));
}

}  // namespace reprise::sys
