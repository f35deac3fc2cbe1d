// SPDX-License-Identifier: Apache-2.0
#include "operations/container/no_checkpoint.h"

#include <utility>

#include "base/clock.h"
#include "catalog/last_stop.h"
#include "operations/container/containers.h"
#include "operations/container/sessions.h"

namespace reprise::operations {

using base::Result;
using catalog::LifeEvent;

namespace {

bool begins(const catalog::LifeRow& row) {
  return row.event == LifeEvent::kStarted || row.event == LifeEvent::kRestored;
}

// How the last life ended; `ended`: the runtime saw that.
std::string ending(const podman::ContainerInfo& info, bool ended) {
  constexpr int kKilled = 128 + 9;
  if (!ended)
    return "its last run was cut off (the host crashed or lost power), which leaves no checkpoint";
  if (info.out_of_memory) return "it was killed because memory ran out, which leaves no checkpoint";
  if (info.exit_code == kKilled)
    return "it was killed (SIGKILL), which leaves no time for a checkpoint";
  return "it ended by itself (exit status " + std::to_string(info.exit_code) + ")";
}

std::string way_back(const catalog::CheckpointRow& newest) {
  const std::string id = newest.id.str();
  return "'reprise restore " + id + "' goes on from its newest checkpoint, which is " +
         base::to_age(newest.created, base::now_unix_millis()) + " old";
}

}  // namespace

NoCheckpoint explain(const LastLife& last, const podman::ContainerInfo& info) {
  NoCheckpoint result{.reason = "there is no checkpoint to continue from"};
  base::UnixMillis begin = 0;
  bool ended = false;
  for (const catalog::LifeRow& row : last.lives) {
    if (begins(row)) {
      begin = row.time;
      ended = false;
    }
    if (row.event == LifeEvent::kEnded) ended = true;
  }
  // A life that began before there was a store was not written down.
  const bool unwritten = begin == 0 && !ended;
  if (last.failed && last.failed->begin >= begin) {
    result.reason = "its last stop took no checkpoint: " + failure_of(*last.failed);
    result.hint = hint_for(*last.failed);
  } else if (const auto stop = catalog::last_stop(last.lives); !stop.empty()) {
    result.reason = catalog::why_not_from(stop, last.checkpoints);
  } else if (!unwritten || info.started != 0) {
    result.reason = ending(info, ended || unwritten);
  }
  if (last.checkpoints.empty()) return result;
  const catalog::CheckpointRow& newest = last.checkpoints.front();
  result.reason += "; its newest checkpoint is '" + newest.id.str() + "'";
  result.hint += (result.hint.empty() ? "" : "; or ") + way_back(newest);
  return result;
}

Result<NoCheckpoint> why_no_checkpoint(catalog::Catalog& catalog,
                                       const podman::ContainerInfo& info) {
  const base::ContainerKey key = key_of(info);
  LastLife last;
  last.lives = REPRISE_PASS(catalog.lives(key));
  constexpr int kNewest = 20;
  for (catalog::SessionRow& row : REPRISE_PASS(catalog.sessions_of(key, kNewest)))
    if (!last.failed && row.kind == catalog::SessionKind::kCheckpoint &&
        row.status == catalog::SessionStatus::kFailed)
      last.failed = std::move(row);
  last.checkpoints = REPRISE_PASS(catalog.checkpoints(key));
  return explain(last, info);
}

}  // namespace reprise::operations
