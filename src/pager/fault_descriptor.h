// SPDX-License-Identifier: Apache-2.0
//
// userfaultfd(2), for pages that are missing. Functions over a descriptor that somebody else owns.
#pragma once

#include <linux/userfaultfd.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace reprise::pager {

// kUnsupported where this kernel, or this process's rights, do not let a program's changes of
// mappings be followed.
base::Result<void> check_support();

// Why a fill went no further.
enum class FillEnd : std::uint8_t {
  kDone,
  kThere,      // the next page is there already
  kNotMapped,  // the next page is in no mapping that waits for it, or not all of it in one
  kChanging,   // the program is changing its mappings: its events must be read first
  kGone,       // the program has ended, or executed another
  kNoMemory,   // the kernel has none, or its cgroup may have no more
};
struct Fill {
  std::uint64_t bytes = 0;  // that were filled, and whose waiters are awake
  FillEnd end = FillEnd::kDone;
};

// Copies pages to where they are missing. Never replaces what is there.
Fill fill_pages(int fd, std::uint64_t address, std::span<const std::byte> pages);
// A page of zeros at `address`.
Fill fill_zeros(int fd, std::uint64_t address);
// Whoever waits for one of these pages looks again, and waits anew if it is still missing.
void wake_waiters(int fd, std::uint64_t address, std::uint64_t bytes);
// The same for all of the address space.
void wake_all_waiters(int fd);
// Whether the address space has gone, with all of its tasks.
bool is_gone(int fd);

// Takes the next message; false if there is none. What the kernel writes to `message` is either all
// of one or nothing.
bool read_message(int fd, uffd_msg& message);

}  // namespace reprise::pager
