// SPDX-License-Identifier: Apache-2.0
#include "session/settlement.h"

#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "container/connection_hold.h"
#include "container/neighbours.h"
#include "engine/tools.h"
#include "session/promise.h"
#include "session/restore_settlement.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::LogLevel;
using base::Result;

namespace {

bool is_checkpoint(const Context& context) {
  return context.request.verb == container::WorkerVerb::kCheckpoint;
}

void note(const Result<void>& result, const char* what) {
  if (!result) base::log(LogLevel::kError, what, {{"error", result.error().details()}});
}

// A fault point of a place that cannot fail, but can be killed.
void may_be_killed(std::string_view point) {
  if (const auto fault = base::fault_point(point); !fault)
    base::log(LogLevel::kWarn, fault.error().message() + ", ignoring");
}

container::WorkerEvent successful_outcome(const base::CheckpointId& checkpoint) {
  container::WorkerEvent outcome;
  outcome.kind = container::WorkerEventKind::kOutcome;
  outcome.ok = true;
  outcome.checkpoint = checkpoint.str();
  return outcome;
}

Result<void> make_visible(Context& context, const image::Manifest& manifest) {
  const auto known = context.catalog.find_checkpoint(manifest.id.str());
  if (known || known.error().code() != ErrorCode::kNotFound) return {};
  return context.catalog.add_checkpoint(
      manifest, context.request.tag,
      manifest.ended ? store::Catalog::Continue::kYes : store::Catalog::Continue::kNo);
}

void lift_neighbours(const Context& context) {
  const auto state =
      container::load_runc_state(context.request.runtime_args, context.request.container);
  const auto spec = state ? container::load_oci_spec(state->bundle) : container::OciSpec();
  if (!spec || spec->network_namespace_path.empty()) return;
  note(container::lift_neighbours(context.key(), spec->network_namespace_path),
       "connections to other containers stall");
}

// Its tasks went on after the seal, because CRIU was killed, or did not hear the answer: nobody may
// take them back to it by surprise. People still can.
container::WorkerEvent settle_outlived(Context& context, const image::Manifest& manifest) {
  const auto pending = context.catalog.continuation(context.key());
  if (pending && *pending && (*pending)->checkpoint == manifest.id)
    note(context.catalog.drop_continuation(context.key()), "the continuation was not dropped");
  note(container::lift_hold(context.key()), "connections to the outside stall");
  lift_neighbours(context);
  note(restore_promise(context.layout, context.request, *context.store), "rollback is incomplete");
  return failed_outcome(Error(ErrorCode::kGone, "the container ran on after checkpoint '" +
                                                    manifest.id.str() + "' was sealed"));
}

container::WorkerEvent settle_sealed(Context& context, const Settlement& settlement,
                                     const image::Manifest& manifest) {
  const auto state =
      container::load_runc_state(context.request.runtime_args, context.request.container);
  const bool lives = state && sys::is_alive(state->init);
  if (lives && manifest.ended && settlement.since == Settlement::Since::kLong)
    return settle_outlived(context, manifest);
  if (const auto visible = make_visible(context, manifest); !visible)
    return failed_outcome(visible.error());
  if (state && manifest.ended)
    if (const auto spec = container::load_oci_spec(state->bundle))
      end_sealed_container(*state, *spec);
  return successful_outcome(manifest.id);
}

container::WorkerEvent settle_checkpoint(Context& context, const Settlement& settlement) {
  const auto sealed = find_sealed(*context.store, context.request.session);
  note(engine::end_tools({.work_dir = context.directory(),
                          .hook_listener = settlement.hook_listener,
                          .verdict = sealed ? engine::Verdict::kProceed : engine::Verdict::kAbort,
                          .patience = settlement.patience}),
       "the dump was not ended");
  may_be_killed("settle-tools-ended");
  if (sealed) return settle_sealed(context, settlement, *sealed);
  note(restore_promise(context.layout, context.request, *context.store), "rollback is incomplete");
  return failed_outcome(settlement.cause);
}

container::WorkerEvent settle_restore(Context& context, const Settlement& settlement) {
  // The runtime wrapper consumes the claim as soon as the container runs.
  const auto claimed = context.catalog.is_claimed_by(context.key(), context.request.session);
  if (claimed && !*claimed) {
    const auto spec = container::load_oci_spec(context.request.bundle);
    const auto reader = context.store->open(context.request.checkpoint);
    if (spec && reader) settle_network(*spec, context, **reader);
    settle_restored(context);
    return successful_outcome(context.request.checkpoint);
  }
  note(undo_restore(context), "undoing the restore is incomplete");
  return failed_outcome(settlement.cause);
}

void record(Context& context, const container::WorkerEvent& outcome) {
  const bool checkpoint = is_checkpoint(context);
  const base::CheckpointId id =
      checkpoint ? base::CheckpointId(outcome.checkpoint) : context.request.checkpoint;
  const store::SessionRow row{.id = context.request.session,
                              .key = context.key(),
                              .kind = checkpoint ? "checkpoint" : "restore",
                              .trigger = context.request.trigger,
                              .begin = base::now_unix_millis(),
                              .end = base::now_unix_millis(),
                              .status = outcome.ok ? "ok" : "failed",
                              .reason = outcome.reason,
                              .hint = outcome.hint,
                              .checkpoint = id,
                              .phases = "{}",
                              .log_directory = context.directory().string()};
  auto finished = context.catalog.finish_session(row);
  if (!finished && finished.error().code() == ErrorCode::kNotFound) {
    // Killed before it could even say that it had begun.
    store::SessionRow first = row;
    first.end = 0;
    finished = context.catalog.begin_session(first);
    if (finished) finished = context.catalog.finish_session(row);
  }
  note(finished, "the outcome was not written");
  // A checkpoint that came to nothing changed nothing in the container's history.
  if (checkpoint && !outcome.ok) return;
  const store::LifeEvent event = checkpoint   ? store::LifeEvent::kCheckpointed
                                 : outcome.ok ? store::LifeEvent::kRestored
                                              : store::LifeEvent::kRestoreFailed;
  note(context.catalog.add_life_event(
           {.key = context.key(),
            .time = base::now_unix_millis(),
            .event = event,
            .session = context.request.session,
            .checkpoint = id,
            .detail = checkpoint ? context.request.trigger : outcome.reason}),
       "history was not written");
}

}  // namespace

container::WorkerEvent settle(Context& context, const Settlement& settlement) {
  may_be_killed("settle-begin");
  container::WorkerEvent outcome = is_checkpoint(context) ? settle_checkpoint(context, settlement)
                                                          : settle_restore(context, settlement);
  // What the session had put together: images of memory, in plain.
  if (const auto swept = context.store->sweep(); !swept)
    base::log(LogLevel::kError, "what it left in the store stays until the next session",
              {{"error", swept.error().details()}});
  may_be_killed("settle-record");
  record(context, outcome);
  return outcome;
}

std::optional<image::Manifest> find_sealed(store::CheckpointStore& store,
                                           const base::SessionId& session) {
  const auto ids = store.list();
  if (!ids) return std::nullopt;
  for (const base::CheckpointId& id : *ids) {
    auto manifest = store.manifest(id);
    if (manifest && manifest->parent_session == session.str()) return std::move(*manifest);
  }
  return std::nullopt;
}

bool may_end_without_session(const container::Layout& layout, const base::SessionId& session) {
  const auto store = store::open_store(layout.store);
  return store && find_sealed(**store, session).has_value();
}

}  // namespace reprise::session
