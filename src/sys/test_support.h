// SPDX-License-Identifier: Apache-2.0
//
// For tests only: the value of a Result that a test cannot go on without, and processes that act at
// once.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reprise::sys {

// The value of a result that a test needs to go on. By value: `.value()` of a temporary dangles in
// a range-for.
template <typename T>
T value_of(base::Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().details();
    std::abort();
  }
  return std::move(*result);
}

// Forked children of a test. They leave by _exit with what their function returned, so that
// nothing of the test runs in them twice.
class Children {
 public:
  Children() {
    if (::pipe(gate_) != 0) ADD_FAILURE() << "no pipe";
  }
  ~Children() { open_gate(); }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  Children(Children&&) = delete;
  Children& operator=(Children&&) = delete;

  // Inside a child: blocks until the parent opens the gate.
  void wait_for_gate() const {
    char none = 0;
    while (::read(gate_[0], &none, 1) > 0) {
    }
  }

  pid_t start(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(gate_[1]);
      ::_exit(body());
    }
    EXPECT_GT(pid, 0);
    pids_.push_back(pid);
    return pid;
  }

  // Of those that were started and not waited for.
  [[nodiscard]] const std::vector<pid_t>& pids() const { return pids_; }

  void open_gate() {
    if (gate_[1] >= 0) ::close(gate_[1]);
    if (gate_[0] >= 0) ::close(gate_[0]);
    gate_[0] = gate_[1] = -1;
  }

  // Waits for all; their exit codes in the order of their start, -1 for one that a signal killed.
  std::vector<int> wait_for_all() {
    std::vector<int> codes;
    for (const pid_t pid : pids_) {
      int status = 0;
      EXPECT_EQ(::waitpid(pid, &status, 0), pid);
      codes.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    pids_.clear();
    return codes;
  }

 private:
  int gate_[2] = {-1, -1};
  std::vector<pid_t> pids_;
};

}  // namespace reprise::sys
