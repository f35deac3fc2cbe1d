// SPDX-License-Identifier: Apache-2.0
#include "operations/store/background_gc.h"

#include <chrono>

#include "host/layout.h"
#include "operations/background_process.h"
#include "store/waste.h"
#include "sys/file_lock.h"
#include "sys/priority.h"

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

namespace {

Result<sys::FileLock> lock_background_gc(const host::Layout& layout) {
  return sys::FileLock::try_lock(layout.store / "background-gc.lock");
}

}  // namespace

Result<bool> start_gc(const host::Layout& layout, store::Store& store) {
  const store::Waste waste = REPRISE_PASS(store::find_waste(store));
  if (!store::is_worth_collecting(waste) && !store::is_worth_compacting(waste)) return false;
  // Free again at once; it takes it itself.
  if (const auto lock = lock_background_gc(layout); !lock) {
    if (lock.error().code() == ErrorCode::kBusy) return false;
    return std::unexpected(lock.error());
  }
  REPRISE_TRY(start_in_background({"store", "gc", "--background"}), "starting the gc");
  return true;
}

Result<void> run_background_gc(const host::Layout& layout, const store::StoreConfig& config) {
  constexpr std::chrono::seconds kPatience{30};
  const Result<sys::FileLock> lock = lock_background_gc(layout);
  if (!lock && lock.error().code() == ErrorCode::kBusy) return {};
  if (!lock) return std::unexpected(lock.error());
  REPRISE_PASS(sys::lower_priority());
  store::Store store = REPRISE_PASS(store::open(config));
  return store::reduce_waste(store, kPatience);
}

}  // namespace reprise::operations
