// SPDX-License-Identifier: Apache-2.0
#include "sys/workers.h"

#include <malloc.h>
#include <sched.h>

#include <algorithm>

namespace reprise::sys {

namespace {

unsigned cpus_for_us() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

// The buffers of segments and blocks are large enough that malloc would map each anew, and the
// kernel fill each with zeros: more than half of the time of a put (bench/store.cc). So it keeps
// them.
void keep_large_buffers() {
  constexpr int kLargest = 32 << 20;
  constexpr int kKept = 128 << 20;
  [[maybe_unused]] static const bool once =
      ::mallopt(M_MMAP_THRESHOLD, kLargest) != 0 && ::mallopt(M_TRIM_THRESHOLD, kKept) != 0;
}

}  // namespace

Workers::Workers(unsigned limit) {
  keep_large_buffers();
  const unsigned count = std::min(limit, cpus_for_us());
  threads_.reserve(count);
  for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Workers::busy() const {
  const std::lock_guard lock(mutex_);
  return unfinished_ >= threads_.size();
}

void Workers::add(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    ++unfinished_;
  }
  changed_.notify_one();
}

void Workers::work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
    const std::lock_guard lock(mutex_);
    --unfinished_;
  }
}

}  // namespace reprise::sys
