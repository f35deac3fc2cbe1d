// SPDX-License-Identifier: Apache-2.0
//
// The clock of a freeze. Made before the session is forked off: the session winds it, its guard
// waits for it, and the kernel keeps it going whatever becomes of the session.
#pragma once

#include <chrono>
#include <utility>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::session {

class FreezeWatch {
 public:
  static base::Result<FreezeWatch> create();

  // From now on the container may stand still, for `limit` (at least 1 s) at most; the watch rings
  // earlier, by what it takes to let its tasks go.
  base::Result<void> begin(std::chrono::milliseconds limit);
  // It runs again, or has ended.
  void end();
  // Of the limit, when asked before that is over; 0 if it was not begun.
  [[nodiscard]] std::chrono::milliseconds left() const;
  // Readable (poll) once it has rung.
  [[nodiscard]] const sys::UniqueFd& fd() const { return timer_; }

 private:
  explicit FreezeWatch(sys::UniqueFd timer) : timer_(std::move(timer)) {}
  sys::UniqueFd timer_;
};

}  // namespace reprise::session
