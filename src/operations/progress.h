// SPDX-License-Identifier: Apache-2.0
//
// What an operation tells while it goes on, in the order in which things happen, also while it
// undoes what it did before it fails. One call at a time; bytes() and tick() may come from other
// threads than the one that called the operation, which waits for them.
#pragma once

#include <cstdint>
#include <string>

namespace reprise::operations {

class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  virtual ~Progress() = default;

  // Work begins that may take a while, such as "web: stopping". One at a time.
  virtual void begin(const std::string& work) = 0;
  // The step that it is at, in words.
  virtual void step(const std::string& step) = 0;
  // How far it is; `all` is 0 where that is not known.
  virtual void bytes(std::uint64_t done, std::uint64_t all) = 0;
  // It goes on: called a few times per second.
  virtual void tick() = 0;
  virtual void end() = 0;

  // Something failed that does not keep the operation from going on. `hint` may be empty.
  virtual void warn(const std::string& what, const std::string& hint) = 0;
  // What whoever asked should know of the result.
  virtual void note(const std::string& what) = 0;
};

// Begins work, and ends it when it goes.
class Work {
 public:
  Work(Progress& progress, const std::string& what) : progress_(progress) { progress.begin(what); }
  ~Work() { progress_.end(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  Progress& progress_;
};

}  // namespace reprise::operations
