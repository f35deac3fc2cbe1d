// SPDX-License-Identifier: Apache-2.0
//
// A few threads that do what they are given; results come back as futures, in any order.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace reprise::sys {

class Workers {
 public:
  // As many as there are CPUs for us, at most `limit`: more would only take memory.
  explicit Workers(unsigned limit = kLimit);
  ~Workers();  // finishes what was given
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  Workers(Workers&&) = delete;
  Workers& operator=(Workers&&) = delete;

  [[nodiscard]] std::size_t count() const { return threads_.size(); }
  // Whether each of them has something to do.
  [[nodiscard]] bool busy() const;

  template <typename Function>
  auto run(Function function) {
    using Value = decltype(function());
    // Shared, because std::function wants to be copied.
    auto task = std::make_shared<std::packaged_task<Value()>>(std::move(function));
    auto future = task->get_future();
    add([task] { (*task)(); });
    return future;
  }

 private:
  static constexpr unsigned kLimit = 4;

  void add(std::function<void()> task);
  void work();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t unfinished_ = 0;  // tasks
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace reprise::sys
