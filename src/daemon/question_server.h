// SPDX-License-Identifier: Apache-2.0
//
// The agent's socket, at which the runtime wrapper asks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "daemon/answers.h"
#include "daemon/metrics.h"
#include "host/layout.h"
#include "sys/message_socket.h"

namespace reprise::daemon {

class QuestionServer {
 public:
  // `answers` and `metrics` outlive it. Makes the run directory if it is not there. kBusy if
  // another agent answers there.
  static base::Result<std::unique_ptr<QuestionServer>> start(const host::Layout& layout,
                                                             Answers& answers, Metrics& metrics);
  // Ends in a second or two; who waits for an answer gets none.
  ~QuestionServer();
  QuestionServer(const QuestionServer&) = delete;
  QuestionServer& operator=(const QuestionServer&) = delete;

 private:
  QuestionServer(sys::MessageListener listener, Answers& answers, Metrics& metrics);
  void run();
  void serve(sys::MessageSocket& socket);

  sys::MessageListener listener_;
  Answers& answers_;
  Metrics& metrics_;
  std::atomic<bool> stop_ = false;
  std::mutex lock_;
  std::condition_variable left_;
  int busy_ = 0;  // questions that are being answered
  std::thread thread_;
};

}  // namespace reprise::daemon
