// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <array>

namespace reprise::cli {

void Progress::tick() {
  constexpr std::int64_t kPatienceMs = 1000;
  if (io_.terminal == Terminal::kNo || since_.elapsed_ms() < kPatienceMs) return;
  constexpr std::array kFrames = {'|', '/', '-', '\\'};
  io_.err << "\r\x1b[K" << kFrames[frame_++ % kFrames.size()] << ' ' << what_;
  if (!phase_.empty()) io_.err << ": " << phase_;
  io_.err << " (" << since_.elapsed_ms() / 1000 << " s)" << std::flush;
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  io_.err << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace reprise::cli
