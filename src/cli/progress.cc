// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <array>

#include "base/units.h"

namespace reprise::cli {

void ProgressLine::begin(const std::string& work) {
  clear();
  work_ = work;
  step_.clear();
  since_ = base::Stopwatch();
  frame_ = 0;
}

void ProgressLine::bytes(std::uint64_t done, std::uint64_t all) {
  step_ = base::format_bytes(done);
  if (all != 0) step_ += " of " + base::format_bytes(all);
}

void ProgressLine::tick() {
  if (io_.terminal == Terminal::kNo || since_.elapsed_ms() < patience_.count()) return;
  constexpr std::array kFrames = {'|', '/', '-', '\\'};
  io_.err << "\r\x1b[K" << kFrames[frame_++ % kFrames.size()] << ' ' << work_;
  if (!step_.empty()) io_.err << ": " << step_;
  io_.err << " (" << since_.elapsed_ms() / 1000 << " s)" << std::flush;
  drawn_ = true;
}

void ProgressLine::warn(const std::string& what, const std::string& hint) {
  clear();
  io_.err << "warning: " << what << '\n';
  if (!hint.empty()) io_.err << "hint: " << hint << '\n';
}

void ProgressLine::note(const std::string& what) {
  clear();
  io_.err << "note: " << what << '\n';
}

void ProgressLine::clear() {
  if (!drawn_) return;
  io_.err << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace reprise::cli
