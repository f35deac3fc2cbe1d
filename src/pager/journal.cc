// SPDX-License-Identifier: Apache-2.0
#include "pager/journal.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace reprise::pager {

using base::ErrorCode;
using base::fail;
using base::fail_errno;
using base::Result;

Result<Journal> Journal::make(std::size_t room) {
  static_assert(sizeof(Head) <= kHeadBytes);
  const std::size_t bytes = kHeadBytes + room * sizeof(Record);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail_errno(errno, "making the pager's journal");
  new (memory) Head();
  return Journal(static_cast<std::byte*>(memory), room);
}

Result<void> Journal::lock_in_memory() {
  if (::mlock2(memory_, kHeadBytes + room_ * sizeof(Record), MLOCK_ONFAULT) != 0)
    return fail_errno(errno, "locking the pager's journal in memory");
  return {};
}

Journal::Journal(Journal&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), room_(other.room_) {}

Journal::~Journal() {
  if (memory_ != nullptr) ::munmap(memory_, kHeadBytes + room_ * sizeof(Record));
}

std::span<const Record> Journal::records() const { return {first(), head().count.load()}; }

Record* Journal::slot() {
  const std::uint64_t count = head().count.load();
  return count < room_ ? first() + count : nullptr;
}

void Journal::commit() { head().count.fetch_add(1); }

Result<void> Journal::add(const Record& record) {
  Record* place = slot();
  if (place == nullptr) return fail(ErrorCode::kInternal, "the pager's journal is full");
  *place = record;
  commit();
  return {};
}

void Journal::set_phase(Phase phase) {
  Phase now = head().phase.load();
  while (!is_over(now) && !head().phase.compare_exchange_weak(now, phase)) {
  }
}

std::string Journal::reason() const {
  return {head().reason, ::strnlen(head().reason, kReasonBytes)};
}

void Journal::set_reason(std::string_view reason) {
  const std::size_t size = std::min(reason.size(), kReasonBytes - 1);
  std::memcpy(head().reason, reason.data(), size);
  head().reason[size] = '\0';
}

}  // namespace reprise::pager
