// SPDX-License-Identifier: Apache-2.0
//
// How a worker is started and listened to: messages over a sequenced-packet socket (fd 3).
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/result.h"
#include "host/message.h"
#include "host/request.h"
#include "sys/file_lock.h"
#include "sys/message_socket.h"

namespace reprise::host {

inline constexpr int kWorkerSocketFd = 3;
inline constexpr int kWorkerLockFd = 4;

// A worker that was started. The worker is in a session of its own: it outlives its caller, and
// closing the socket only stops the reports.
struct WorkerLink {
  sys::MessageSocket socket;
  pid_t pid = 0;
};

// Starts a worker and sends it `request`, no more. `lock`: handed over to the worker, see
// WorkerRequest::lock_passed. The worker must be reaped by init or a subreaper.
base::Result<WorkerLink> start_worker(const WorkerRequest& request,
                                      const sys::FileLock* lock = nullptr);

// The next that it says. Blocks, no longer than `patience`: then kBusy. kGone if it ended without
// an outcome, which its guard prevents unless that was killed as well.
inline constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();
base::Result<WorkerMessage> next_message(WorkerLink& worker,
                                         std::chrono::milliseconds patience = kForever);

}  // namespace reprise::host
