// SPDX-License-Identifier: Apache-2.0
#include "session/restore_session.h"

#include <string>
#include <utility>

#include "base/log.h"
#include "session/attributes.h"
#include "session/restore/fitting.h"
#include "session/restore/furnished.h"
#include "session/restore/planned.h"
#include "session/restore_settlement.h"
#include "session/undo/take_back.h"

namespace reprise::session {

using base::Error;
using base::LogLevel;
using base::Result;

RestoreSession::RestoreSession(Context& context)
    : context_(context), phases_(context.caller), begin_(base::now_unix_millis()) {}

host::Outcome RestoreSession::run() {
  phases_.begin("prepare");
  // Until the outcome: the network stays ours until all is taken back.
  const Result<Requested> requested = load_requested(context_);
  if (!requested) return fail_with(requested.error());
  Result<Restored> restored = restore(*requested);
  if (!restored) return fail_with(restored.error());
  return succeed(std::move(*restored));
}

Result<Restored> RestoreSession::restore(const Requested& requested) {
  Fitting fitting = REPRISE_PASS(open_fitting(context_, requested));
  Furnished furnished = REPRISE_PASS(furnish(context_, requested, std::move(fitting), phases_));
  Planned planned = REPRISE_PASS(plan_restore(context_, requested, std::move(furnished), phases_));
  return await_restored(context_, requested, std::move(planned), phases_);
}

host::Outcome RestoreSession::fail_with(const Error& error) {
  phases_.begin("finish");
  if (const auto undone = undo::take_back(context_); !undone)
    base::log(LogLevel::kError, "undoing the restore is incomplete",
              {{"error", undone.error().details()}});
  base::log(LogLevel::kError, "restore failed",
            {{"container", context_.request.container.str()}, {"error", error.details()}});
  return record(host::failed_outcome(error), 0);
}

host::Outcome RestoreSession::succeed(Restored restored) {
  phases_.begin("finish");
  settle_restored(context_);
  if (restored.init > 0)
    note_not_given_back(inject_attributes(*restored.reader, restored.init), restored.lost);
  std::string note;
  for (const std::string& one : restored.lost) note += (note.empty() ? "" : "; ") + one;
  return record(host::Outcome{.status = host::Outcome::Status::kDone,
                              .reason = std::move(note),
                              .hint = {},
                              .checkpoint = {}},
                restored.reader->manifest().cpu_time_us);
}

host::Outcome RestoreSession::record(host::Outcome outcome, std::int64_t cpu_time_us) {
  outcome.checkpoint = context_.request.restore().checkpoint;
  outcome.total_ms = phases_.total_ms();
  const base::UnixMillis now = base::now_unix_millis();
  const catalog::LifeRow life{
      .key = context_.key(),
      .time = now,
      .event = outcome.ok() ? catalog::LifeEvent::kRestored : catalog::LifeEvent::kRestoreFailed,
      .session = context_.request.session,
      .checkpoint = outcome.checkpoint,
      .detail = outcome.reason,
      .restore_ms = outcome.total_ms,
      .cpu_time_us = cpu_time_us};
  const catalog::SessionRow row{.id = context_.request.session,
                                .key = context_.key(),
                                .kind = catalog::SessionKind::kRestore,
                                .trigger = trigger_of(context_.request),
                                .begin = begin_,
                                .end = now,
                                .status = status_of(outcome),
                                .reason = outcome.reason,
                                .hint = outcome.hint,
                                .checkpoint = outcome.checkpoint,
                                .phases = phases_.finish(),
                                .log_directory = context_.directory().string()};
  for (const auto& written :
       {context_.store.catalog.add_life_event(life), context_.store.catalog.finish_session(row)})
    base::warn_and_ignore(written, "history not written");
  return outcome;
}

}  // namespace reprise::session
