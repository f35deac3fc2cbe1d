// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "daemon/daemon.h"
#include "sys/environment.h"

int main(int argc, char** argv) {
  try {
    reprise::sys::prefer_own_programs();
    return reprise::daemon::run_daemon(argc, argv, reprise::sys::read_environment());
  } catch (const std::exception& error) {  // a bug: our own code does not throw
    std::fprintf(stderr, "reprised: bug: %s\n", error.what());
    return 70;
  }
}
