// SPDX-License-Identifier: Apache-2.0
//
// For tests: what an operation told, in order, but for how often it said that it goes on.
#pragma once

#include <string>
#include <vector>

#include "operations/progress.h"

namespace reprise::operations {

class TestProgress final : public Progress {
 public:
  void begin(const std::string& work) override { told.push_back("begin " + work); }
  void step(const std::string& step) override { told.push_back("step " + step); }
  void bytes(std::uint64_t done, std::uint64_t all) override {
    last_done = done;
    last_all = all;
  }
  void tick() override { ++ticks; }
  void end() override { told.emplace_back("end"); }
  void warn(const std::string& what, const std::string& hint) override {
    told.push_back("warning " + what + (hint.empty() ? "" : "; hint " + hint));
  }
  void note(const std::string& what) override { told.push_back("note " + what); }

  std::vector<std::string> told;
  std::uint64_t last_done = 0;
  std::uint64_t last_all = 0;
  int ticks = 0;
};

}  // namespace reprise::operations
