// SPDX-License-Identifier: Apache-2.0
//
// The pager of a restored container, as its session sees it, and whoever comes after that. How
// others see it: host/filling.h.
#pragma once

#include <filesystem>
#include <utility>

#include "base/result.h"
#include "host/layout.h"
#include "session/context.h"
#include "store/store_config.h"
#include "sys/file_lock.h"
#include "sys/message_socket.h"

namespace reprise::session {

// What the pager is given, besides its note as argument.
inline constexpr int kPagerListenerFd = 3;
inline constexpr int kPagerLinkFd = 4;
inline constexpr int kPagerLockFd = 5;
inline constexpr int kPagerHoldFd = 6;  // on the checkpoint, as long as anybody fills from it

// The session's end of a pager. Dropped before the engine has connected, it ends the pager, too.
class PagerLink {
 public:
  // Starts `reprise-worker page`, which listens where the engine looks for it. It outlives the
  // session, in the session's cgroup, not in the container's, and so does its copy of `hold`.
  static base::Result<PagerLink> start(const Context& context, const sys::FileLock& hold);
  // All tasks are made, and the pager knows them all. kGone if there is none any more: then none of
  // them may run.
  base::Result<void> await_ready();
  // Whether there is none any more, and it was not ready before that.
  [[nodiscard]] bool was_lost() const;

 private:
  PagerLink(sys::MessageSocket link, std::filesystem::path socket)
      : link_(std::move(link)), socket_(std::move(socket)) {}
  sys::MessageSocket link_;
  std::filesystem::path socket_;  // nobody connects a second time
};

// What the pager sends when it is ready.
inline constexpr const char* kPagerReady = "filling";

// Ends containers whose pagers were all killed: what they miss can only be had by another restore.
base::Result<void> end_abandoned_fillings(const host::Layout& layout,
                                          const store::StoreConfig& config);
// The same for one, as soon as they are killed: blocks while its memory is filled in. Best called
// by somebody who has nothing else to do, and nothing open that others wait for.
base::Result<void> watch_filling(const host::Layout& layout, const store::StoreConfig& config,
                                 const host::WorkerRequest& request);
// One of them. `reason` is written into the container's history.
base::Result<void> end_unfilled(const host::Layout& layout, const store::StoreConfig& config,
                                const host::WorkerRequest& request, const std::string& reason);

}  // namespace reprise::session
