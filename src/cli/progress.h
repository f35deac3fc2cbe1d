// SPDX-License-Identifier: Apache-2.0
//
// A line that says what is going on, for work that takes more than a second.
#pragma once

#include <string>

#include "base/clock.h"
#include "cli/cli.h"

namespace reprise::cli {

// Draws only on a terminal, and only once a second has passed. The line is removed when the object
// goes.
class Progress {
 public:
  Progress(Io& io, std::string what) : io_(io), what_(std::move(what)) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // The step that is being worked on, behind what it is all about.
  void set_phase(std::string phase) { phase_ = std::move(phase); }
  // To be called a few times per second.
  void tick();
  // Before anything else is written.
  void clear();

 private:
  Io& io_;
  std::string what_;
  std::string phase_;
  base::Stopwatch since_;
  std::size_t frame_ = 0;
  bool drawn_ = false;
};

}  // namespace reprise::cli
