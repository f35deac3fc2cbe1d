// SPDX-License-Identifier: Apache-2.0
//
// What operations tell while they go on, on the error output: warnings and notes at once, and, for
// work that takes more than a second, a line that says what is going on.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "cli/cli.h"
#include "operations/progress.h"

namespace reprise::cli {

// The line is drawn only on a terminal, and removed before anything else is written.
class ProgressLine final : public operations::Progress {
 public:
  // Nothing is drawn of what ends within `patience`.
  explicit ProgressLine(Io& io,
                        std::chrono::milliseconds patience = std::chrono::milliseconds{1000})
      : io_(io), patience_(patience) {}
  ~ProgressLine() override { clear(); }

  void begin(const std::string& work) override;
  void step(const std::string& step) override { step_ = step; }
  void bytes(std::uint64_t done, std::uint64_t all) override;
  void tick() override;
  void end() override { clear(); }
  void warn(const std::string& what, const std::string& hint) override;
  void note(const std::string& what) override;

 private:
  void clear();

  Io& io_;
  std::chrono::milliseconds patience_;
  std::string work_;
  std::string step_;
  base::Stopwatch since_;
  std::size_t frame_ = 0;
  bool drawn_ = false;
};

}  // namespace reprise::cli
