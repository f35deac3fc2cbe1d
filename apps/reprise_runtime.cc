// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "runtime/runtime.h"
#include "sys/environment.h"

int main(int argc, char** argv) {
  try {
    reprise::sys::prefer_own_programs();
    return reprise::runtime::run_runtime(argc, argv, reprise::sys::read_environment());
  } catch (const std::exception& error) {  // a bug: our own code does not throw
    std::fprintf(stderr, "reprise-runtime: bug: %s\n", error.what());
    return 70;
  }
}
