// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "cli/cli.h"
#include "kubectl/program.h"
#include "sys/environment.h"

int main(int argc, char** argv) {
  using reprise::cli::Terminal;
  // Nothing of ours throws: whatever arrives here is a bug.
  try {
    reprise::sys::prefer_own_programs();
    if (argc > 0 && reprise::kubectl::is_called_so(argv[0]))
      return reprise::kubectl::run({argv + 1, argv + argc}, std::cout, std::cerr);
    reprise::cli::Io io{.out = std::cout,
                        .err = std::cerr,
                        .terminal = ::isatty(STDERR_FILENO) != 0 ? Terminal::kYes : Terminal::kNo,
                        .user = ::geteuid()};
    return reprise::cli::run_cli({argv + 1, argv + argc}, reprise::sys::read_environment(), io);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reprise: bug: %s\n", error.what());
  } catch (...) {
    std::fputs("reprise: bug: an exception of unknown kind\n", stderr);
  }
  return 10;
}
