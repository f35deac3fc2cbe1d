// SPDX-License-Identifier: Apache-2.0
//
// What a pager must know that comes after one that was killed, in memory that they share with their
// keepers: the descriptors in use, and every change of mappings since the restore.
//
// The kernel writes a message of a program straight to where it is kept (slot()), so that none is
// lost between two pagers: it has been taken if and only if it stands there.
#pragma once

#include <linux/userfaultfd.h>
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::pager {

enum class RecordKind : std::uint32_t {
  kNone,
  kSpace,   // descriptor `fd` is that of process `pid`, by the checkpoint's number
  kEvent,   // `message` came from `fd`
  kClosed,  // nothing is missing there any more: `fd` is closed
};
struct Record {
  RecordKind kind = RecordKind::kNone;
  std::int32_t fd = -1;
  std::uint32_t pid = 0;
  std::uint32_t unused = 0;
  uffd_msg message{};
};

enum class Phase : std::uint32_t {
  kRestoring,  // the tasks are being made
  kFilling,    // they may run
  kFull,       // nothing is missing
  kGone,       // nobody is left who could miss anything
  kLost,       // something is missing that cannot be had
};
[[nodiscard]] constexpr bool is_over(Phase phase) { return phase >= Phase::kFull; }

class Journal {
 public:
  // Records. Those that were never written cost nothing.
  static constexpr std::size_t kRoom = std::size_t{1} << 20U;

  static base::Result<Journal> make(std::size_t room = kRoom);
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  // Again in each process that calls slot(): what a kill could otherwise cut off is the reading of
  // a page that was swapped out, and with it the message that was to be written there.
  base::Result<void> lock_in_memory();

  // Those that were committed.
  [[nodiscard]] std::span<const Record> records() const;
  // Room for the next one; nullptr if there is none. What stands in it was begun by a pager that
  // was killed.
  [[nodiscard]] Record* slot();
  void commit();
  // kInternal if there is no room.
  base::Result<void> add(const Record& record);

  // From here on changes are not recorded: no other pager can go on from this.
  void give_up() { head().complete.store(false); }
  [[nodiscard]] bool is_complete() const { return head().complete.load(); }

  [[nodiscard]] Phase phase() const { return head().phase.load(); }
  // An end is never left.
  void set_phase(Phase phase);
  [[nodiscard]] std::string reason() const;
  void set_reason(std::string_view reason);

  // Processes that share this, and how often pagers were started.
  struct Member {
    std::int32_t fd = -1;  // a pidfd, in the table of descriptors that all share
    std::int32_t pid = 0;
  };
  struct Crew {
    Member keeper;
    Member spare;
    Member pager;
    std::uint32_t pagers = 0;
  };
  [[nodiscard]] Crew& crew() { return head().crew; }

 private:
  static constexpr std::size_t kReasonBytes = 400;
  struct Head {
    std::atomic<std::uint64_t> count{0};
    std::atomic<Phase> phase{Phase::kRestoring};
    std::atomic<bool> complete{true};
    Crew crew;
    char reason[kReasonBytes]{};
  };
  static constexpr std::size_t kHeadBytes = 4096;

  Journal(std::byte* memory, std::size_t room) : memory_(memory), room_(room) {}
  [[nodiscard]] Head& head() { return *reinterpret_cast<Head*>(memory_); }
  [[nodiscard]] const Head& head() const { return *reinterpret_cast<const Head*>(memory_); }
  [[nodiscard]] Record* first() const { return reinterpret_cast<Record*>(memory_ + kHeadBytes); }

  std::byte* memory_ = nullptr;
  std::size_t room_ = 0;
};

}  // namespace reprise::pager
