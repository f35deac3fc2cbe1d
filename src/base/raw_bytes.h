// SPDX-License-Identifier: Apache-2.0
//
// A vector of bytes that are not zeros first: for what is filled at once. Filling a gigabyte with
// zeros, a buffer at a time, took as long as to decrypt it.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace reprise::base {

// Constructs without a value where none is given: resize() leaves new elements as they are.
template <typename T>
struct LeavesAsIs : std::allocator<T> {
  template <typename U>
  struct rebind {
    using other = LeavesAsIs<U>;
  };
  template <typename U>
  void construct(U* place) {
    ::new (static_cast<void*>(place)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U* place, Arguments&&... arguments) {
    ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
  }
};

using RawBytes = std::vector<std::byte, LeavesAsIs<std::byte>>;

}  // namespace reprise::base
