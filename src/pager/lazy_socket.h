// SPDX-License-Identifier: Apache-2.0
//
// CRIU's protocol for lazy pages: it connects once, and tells of each process that it restores.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::pager {

// What CRIU said next.
struct LazyMessage {
  enum class Kind : std::uint8_t {
    kProcess,   // `fd` is the userfaultfd of process `pid`, by the image's number
    kZombie,    // a process without memory
    kFinished,  // all of them are made, and run soon
    kEnd,       // it has ended; before kFinished: the restore has failed
  } kind = Kind::kEnd;
  std::uint32_t pid = 0;
  sys::UniqueFd fd;
};

class LazyConnection {
 public:
  // Waits for one of our user, root; nullopt if `stop` becomes readable, or ends, before that.
  static base::Result<std::optional<LazyConnection>> accept(int listener, int stop);
  // Blocks. kInvalidInput for what is not the protocol.
  base::Result<LazyMessage> next();

 private:
  explicit LazyConnection(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  sys::UniqueFd fd_;
};

}  // namespace reprise::pager
