// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>

#include "install/node_program.h"
#include "sys/environment.h"

int main(int argc, char** argv) {
  try {
    reprise::sys::prefer_own_programs();
    return reprise::install::run_node_program(argc, argv, reprise::sys::read_environment());
  } catch (const std::exception& error) {  // a bug: our own code does not throw
    std::fprintf(stderr, "reprise-node: bug: %s\n", error.what());
    return 70;
  }
}
