// SPDX-License-Identifier: Apache-2.0
//
// Restored containers that run before all of their memory is there, as other programs see them.
// Whoever fills one holds a lock on its note, Layout::filling_of(), which is the request of its
// restore, and removes the note when nothing is missing any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/identity.h"
#include "host/layout.h"
#include "host/request.h"
#include "sys/file_lock.h"

namespace reprise::host {

// Bytes of memory.
struct FillingProgress {
  std::uint64_t missing = 0;
  std::uint64_t filled = 0;
  std::string trouble;  // why it does not go on just now; empty: it does
};

enum class Filling : std::uint8_t {
  kNo,
  kUnderWay,
  kAbandoned,  // nobody is left who does it: what is missing is lost to those that run
};
// Costs a look into one directory where nothing is filled.
base::Result<Filling> is_filling(const Layout& layout, const Identity& who);
// Blocks until it is kNo, for which it hurries from now on. kBusy after `patience`, with how far it
// has come; kGone if abandoned.
base::Result<void> await_filled(const Layout& layout, const Identity& who,
                                std::chrono::milliseconds patience);
// A checkpoint waits no longer than this: hundreds of GB from a local disk.
inline constexpr std::chrono::minutes kFillPatience{10};

// Blocks until nobody is left who does it, whether it is done or not.
base::Result<void> await_filler(const Layout& layout, const Identity& who);

// Of whoever begins a container anew: what was to fill it before must not end what is begun. Waits
// for it, and forgets it. kBusy after a while, which is not to be expected.
base::Result<void> settle_filling(const Layout& layout, const Identity& who);

// nullopt if it is not known.
std::optional<FillingProgress> filling_progress(const Layout& layout, const Identity& who);
// "filling, 1234 of 2048 MiB are missing" Pure.
std::string describe(const FillingProgress& progress);

// Those that are filled now. One of which it is not known yet how far it is misses nothing.
struct UnderWay {
  WorkerRequest request;  // of the restore
  FillingProgress progress;
};
base::Result<std::vector<UnderWay>> fillings(const Layout& layout);

// Of whoever fills: writes the note, which is locked for as long as somebody has that descriptor.
base::Result<sys::FileLock> note_filling(const Layout& layout, const WorkerRequest& request);
base::Result<void> report_filling(const Layout& layout, const Identity& who,
                                  const FillingProgress& progress);
// Whether anybody waits for it.
bool is_awaited(const Layout& layout, const Identity& who);
void forget_filling(const Layout& layout, const Identity& who);
// Requests of those that nobody fills any more. The lock is the caller's, who ends what they left.
struct AbandonedFilling {
  WorkerRequest request;
  sys::FileLock lock;
};
base::Result<std::vector<AbandonedFilling>> abandoned_fillings(const Layout& layout);

}  // namespace reprise::host
