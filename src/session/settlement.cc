// SPDX-License-Identifier: Apache-2.0
#include "session/settlement.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "catalog/origin.h"
#include "container/cgroup.h"
#include "engine/engine.h"
#include "host/layout.h"
#include "host/message.h"
#include "oci/spec.h"
#include "session/disowned.h"
#include "session/failure_log.h"
#include "session/held_tasks.h"
#include "session/recovery.h"
#include "session/restore_settlement.h"
#include "session/seal_hold.h"
#include "session/sealed.h"
#include "session/undo/take_back.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::LogLevel;
using base::Result;

namespace {

bool is_checkpoint(const Context& context) { return !context.request.is_restore(); }

// A fault point of a place that cannot fail, but can be killed.
void may_be_killed(std::string_view point) {
  if (const auto fault = base::fault_point(point); !fault)
    base::log(LogLevel::kWarn, fault.error().message() + ", ignoring");
}

host::Outcome successful_outcome(const base::CheckpointId& checkpoint) {
  return {
      .status = host::Outcome::Status::kDone, .reason = {}, .hint = {}, .checkpoint = checkpoint};
}

Result<void> make_visible(Context& context, const image::Manifest& manifest) {
  const auto known = context.store.catalog.find_checkpoint(manifest.id.str());
  if (known) return {};
  if (known.error().code() != ErrorCode::kNotFound) return std::unexpected(known.error());
  REPRISE_PASS(context.store.catalog.add_checkpoint(
      manifest, context.request.checkpoint().tag,
      manifest.ended ? catalog::Catalog::Continue::kYes : catalog::Catalog::Continue::kNo));
  // Its images will be compared with the container if this is not known.
  base::warn_and_ignore(catalog::note_made_here(context.layout.store, manifest.id),
                        "the checkpoint counts as made elsewhere");
  return {};
}

// Because CRIU was killed, or did not hear the answer: nobody may take them back by surprise.
// People still can.
host::Outcome settle_outlived(Context& context, const image::Manifest& manifest) {
  disown(context.layout, context.request, &context.store.catalog);
  log_failure(undo::take_back(context), "rollback is incomplete");
  return host::failed_outcome(Error(ErrorCode::kGone, "the container ran on after checkpoint '" +
                                                          manifest.id.str() + "' was sealed"));
}

// nullopt: left to the next recovery.
std::optional<host::Outcome> settle_sealed(Context& context, const Settlement& settlement,
                                           const image::Manifest& manifest, DumpedTasks tasks) {
  if (tasks == DumpedTasks::kUnknown) return std::nullopt;
  const auto state = context.runtime().state_of(context.request.container);
  if (!state && state.error().code() != ErrorCode::kNotFound) {
    base::log(LogLevel::kError, "whether the container runs is not known",
              {{"error", state.error().details()}});
    return std::nullopt;
  }
  const bool ran_on = tasks == DumpedTasks::kRunOn && state && lives(*state);
  if (ran_on && manifest.ended && settlement.since == Settlement::Since::kLong)
    return settle_outlived(context, manifest);
  const auto visible = make_visible(context, manifest);
  log_failure(visible, "the checkpoint is not in the catalog yet");
  // It ends nevertheless: what is sealed is there.
  if (state && manifest.ended)
    if (const auto spec = oci::load_spec(state->bundle)) end_sealed_container(*state, *spec);
  if (!visible) return std::nullopt;
  return successful_outcome(manifest.id);
}

// Asks until there is an answer, or `patience` is over.
Result<std::optional<image::Manifest>> await_sealed(store::CheckpointStore& store,
                                                    const host::Layout& layout,
                                                    const base::SessionId& session,
                                                    std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kInterval{100};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto sealed = find_sealed(store, layout, session);
    if (sealed || std::chrono::steady_clock::now() >= deadline) return sealed;
    std::this_thread::sleep_for(kInterval);
  }
}

std::optional<host::Outcome> settle_checkpoint(Context& context, const Settlement& settlement) {
  const auto sealed = await_sealed(*context.store.checkpoints, context.layout,
                                   context.request.session, settlement.patience);
  // Before they run.
  if (!sealed) disown(context.layout, context.request, &context.store.catalog);
  const bool may_end = sealed && *sealed;
  const DumpedTasks tasks =
      settle_tasks(context.layout, context.request, may_end && (*sealed)->ended);
  log_failure(context.engine->end(may_end ? engine::Verdict::kProceed : engine::Verdict::kAbort,
                                  settlement.patience),
              "the dump was not ended");
  may_be_killed("settle-tools-ended");
  if (may_end) return settle_sealed(context, settlement, **sealed, tasks);
  log_failure(undo::take_back(context), "rollback is incomplete");
  return host::failed_outcome(sealed ? settlement.cause : sealed.error());
}

// The claim tells: no task runs before it is consumed. One that was given back never was, by this
// session. Where the catalog does not answer, tasks that stand still have not run either; those
// that run stay.
bool is_let_go(Context& context) {
  const auto fate = context.store.catalog.fate_of_claim(context.key(), context.request.session);
  if (fate) return *fate == catalog::ClaimFate::kConsumed;
  log_failure(std::unexpected(fate.error()), "the claim cannot be read");
  const auto state = context.runtime().state_of(context.request.container);
  if (!state || !sys::is_alive(state->init)) return false;
  const auto frozen = container::Cgroup(state->cgroup_paths).is_frozen();
  return frozen && !*frozen;
}

std::optional<host::Outcome> settle_restore(Context& context, const Settlement& settlement) {
  if (is_let_go(context)) {
    // Where the tasks were let go before runc had ended.
    log_failure(context.engine->end(engine::Verdict::kProceed, kRestoreLimit),
                "the restore was not ended");
    if (const auto done = finish_letting_go(context); !done) {
      log_failure(done, "connections to the outside stall");
      log_failure(thaw_restored(context), "the container stands still");
    }
    settle_restored(context);
    return successful_outcome(context.request.restore().checkpoint);
  }
  log_failure(undo::take_back(context), "undoing the restore is incomplete");
  return host::failed_outcome(settlement.cause);
}

void record(Context& context, const host::Outcome& outcome) {
  const bool checkpoint = is_checkpoint(context);
  const base::CheckpointId id =
      checkpoint ? outcome.checkpoint : context.request.restore().checkpoint;
  const catalog::SessionRow row{.id = context.request.session,
                                .key = context.key(),
                                .kind = kind_of(context.request),
                                .trigger = trigger_of(context.request),
                                .begin = base::now_unix_millis(),
                                .end = base::now_unix_millis(),
                                .status = status_of(outcome),
                                .reason = outcome.reason,
                                .hint = outcome.hint,
                                .checkpoint = id,
                                .phases = "{}",
                                .log_directory = context.directory().string()};
  auto finished = context.store.catalog.finish_session(row);
  if (!finished && finished.error().code() == ErrorCode::kNotFound) {
    // Killed before it could even say that it had begun.
    catalog::SessionRow first = row;
    first.end = 0;
    finished = context.store.catalog.begin_session(first);
    if (finished) finished = context.store.catalog.finish_session(row);
  }
  log_failure(finished, "the outcome was not written");
  // A checkpoint that came to nothing changed nothing in the container's history.
  if (checkpoint && !outcome.ok()) return;
  const catalog::LifeEvent event = checkpoint     ? catalog::LifeEvent::kCheckpointed
                                   : outcome.ok() ? catalog::LifeEvent::kRestored
                                                  : catalog::LifeEvent::kRestoreFailed;
  log_failure(context.store.catalog.add_life_event(
                  {.key = context.key(),
                   .time = base::now_unix_millis(),
                   .event = event,
                   .session = context.request.session,
                   .checkpoint = id,
                   .detail = checkpoint ? trigger_of(context.request) : outcome.reason}),
              "history was not written");
}

}  // namespace

host::Outcome settle(Context& context, const Settlement& settlement) {
  may_be_killed("settle-begin");
  const std::optional<host::Outcome> outcome = is_checkpoint(context)
                                                   ? settle_checkpoint(context, settlement)
                                                   : settle_restore(context, settlement);
  // What the session had put together: images of memory, in plain.
  if (const auto swept = context.store.checkpoints->sweep(); !swept)
    base::log(LogLevel::kError, "what it left in the store stays until the next session",
              {{"error", swept.error().details()}});
  may_be_killed("settle-record");
  if (!outcome)
    return host::failed_outcome(
        Error(ErrorCode::kBusy, "what became of the session is not written down")
            .with_hint("the next 'reprise' command does that"));
  record(context, *outcome);
  return *outcome;
}

}  // namespace reprise::session
