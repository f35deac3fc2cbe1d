// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "worker/worker.h"

int main(int argc, char** argv) {
  try {
    return reprise::worker::run_worker(argc, argv);
  } catch (const std::exception& error) {  // a bug: our own code does not throw
    std::fprintf(stderr, "reprise-worker: bug: %s\n", error.what());
    return 70;
  }
}
