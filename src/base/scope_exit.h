// SPDX-License-Identifier: Apache-2.0
//
// Runs a function when the scope is left, unless dismissed: rollback is the default.
#pragma once

#include <utility>

namespace reprise::base {

// `undo` must not throw. Not movable: it belongs to its scope.
template <typename Undo>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(Undo undo) : undo_(std::move(undo)) {}
  ~ScopeExit() {
    if (armed_) undo_();
  }
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ScopeExit(ScopeExit&&) = delete;
  ScopeExit& operator=(ScopeExit&&) = delete;

  // Success: the function will not run.
  void dismiss() { armed_ = false; }

 private:
  Undo undo_;
  bool armed_ = true;
};

}  // namespace reprise::base
