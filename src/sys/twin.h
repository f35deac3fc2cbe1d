// SPDX-License-Identifier: Apache-2.0
//
// An ended process with the ids and in the namespaces of another one, without any capability: the
// least that one may look at who may look at itself.
//
// It has no memory, files or directories any more, so that nobody can do anything with it; only its
// entry in the table of processes is left, until this object is dropped. While it lived, for some
// microseconds, it ran a program of two instructions that may make no other system call, since
// programs in there with the same ids can do with it what they like.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::sys {

struct TwinPlan {
  pid_t process = 0;        // whose namespaces it lives in
  bool join_users = false;  // the user namespace too, where that is another than ours
  uid_t uid = 0;            // as they are called in there
  gid_t gid = 0;
  std::string label;  // of a security module, as /proc/PID/attr/current tells; empty: none
};

class Twin {
 public:
  // kGone if the process has ended. Waits for two forks.
  static base::Result<Twin> make(const TwinPlan& plan);

  // In the PID namespace of the process.
  [[nodiscard]] pid_t pid_inside() const { return pid_inside_; }
  // Whether it got the label of the security module as well: else that may be what keeps others
  // from looking at it.
  [[nodiscard]] bool has_same_label() const { return has_same_label_; }

  Twin(Twin&& other) noexcept;
  Twin& operator=(Twin&&) = delete;
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;
  ~Twin();

 private:
  Twin() = default;
  pid_t keeper_ = 0;  // its parent, which leaves it unreaped; 0: moved from
  UniqueFd release_;  // closing it lets the keeper end
  pid_t pid_inside_ = 0;
  bool has_same_label_ = false;
};

}  // namespace reprise::sys
