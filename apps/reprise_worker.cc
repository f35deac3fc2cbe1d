// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "sys/environment.h"
#include "worker/worker.h"

int main(int argc, char** argv) {
  try {
    reprise::sys::prefer_own_programs();
    return reprise::worker::run_worker(argc, argv, reprise::sys::read_environment());
  } catch (const std::exception& error) {  // a bug: our own code does not throw
    std::fprintf(stderr, "reprise-worker: bug: %s\n", error.what());
    return 70;
  }
}
