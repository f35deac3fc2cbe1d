// SPDX-License-Identifier: Apache-2.0
//
// The command line `reprise`, callable in-process.
#pragma once

#include <sys/types.h>

#include <ostream>
#include <string>
#include <vector>

#include "sys/environment.h"

namespace reprise::cli {

// Whether people watch the error output, so that progress is worth showing.
enum class Terminal : unsigned char { kNo, kYes };

// What a command talks to. Programs that commands start (Podman) inherit the process's own
// standard error where they show progress; everything else goes through here.
struct Io {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal = Terminal::kNo;
  uid_t user = 0;  // effective user, for the check that a command needs root
};

// Runs one command; `args` is without the program's name. Returns the exit status: 0, 1 if a
// command did what it could but not what was asked for (a container stopped without a checkpoint),
// base::exit_code() of an error, or Podman's own where its command is passed through.
int run_cli(std::vector<std::string> args, const sys::Environment& environment, Io& io);

}  // namespace reprise::cli
