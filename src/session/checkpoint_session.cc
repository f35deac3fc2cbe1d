// SPDX-License-Identifier: Apache-2.0
#include "session/checkpoint_session.h"

#include <chrono>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "host/filling.h"
#include "session/checkpoint/admitted.h"
#include "session/seal_hold.h"
#include "session/undo/take_back.h"
#include "store/prune.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fault_point;
using base::LogLevel;
using base::Result;

CheckpointSession::CheckpointSession(Context& context, FreezeWatch& watch)
    : context_(context), watch_(watch), phases_(context.caller), begin_(base::now_unix_millis()) {}

host::Outcome CheckpointSession::run() {
  Result<Prepared> prepared = prepare_admitted();
  if (!prepared) return fail_with(prepared.error());
  phases_.begin("dump");
  const Result<Sealed> sealed = dump_and_seal(context_, *prepared, phases_, watch_);
  if (sealed) return succeed(std::move(*prepared), *sealed);
  // What it has begun to write is swept; the network stays ours until all is taken back.
  prepared->writer.reset();
  return fail_with(sealed.error());
}

Result<Prepared> CheckpointSession::prepare_admitted() {
  phases_.begin("admit");
  Admitted admitted = REPRISE_PASS(admit(context_));
  // What is not there yet would be missing from the checkpoint as well.
  if (REPRISE_PASS(host::is_filling(context_.layout, context_.who())) != host::Filling::kNo) {
    phases_.begin("fill");
    REPRISE_PASS(host::await_filled(context_.layout, context_.who(), host::kFillPatience));
  }
  phases_.begin("prepare");
  return prepare(context_, std::move(admitted));
}

host::Outcome CheckpointSession::fail_with(const Error& error) {
  phases_.begin("finish");
  base::warn_and_ignore(fault_point("before-finish"), "the checkpoint has failed");
  base::warn_and_ignore(fault_point("rollback"), "rolling back");
  if (const auto kept = undo::take_back(context_); !kept)
    base::log(LogLevel::kError, "rollback is incomplete", {{"error", kept.error().details()}});
  base::log(LogLevel::kError, "checkpoint failed, the container runs on",
            {{"container", context_.request.container.str()}, {"error", error.details()}});
  return record(host::failed_outcome(error));
}

host::Outcome CheckpointSession::succeed(Prepared prepared, const Sealed& sealed) {
  phases_.begin("finish");
  base::warn_and_ignore(fault_point("before-finish"), "the checkpoint is sealed");
  // Whatever the engine said after the seal: the checkpoint stands, so it must end.
  if (context_.request.checkpoint().end)
    end_sealed_container(prepared.container.state, prepared.container.spec);
  host::Outcome outcome{.status = host::Outcome::Status::kDone,
                        .reason = {},
                        .hint = {},
                        .checkpoint = sealed.manifest.id};
  outcome.freeze_ms = sealed.dumped.freeze.count();
  outcome.bytes = image::bytes_of(sealed.manifest);
  base::warn_and_ignore(context_.store.catalog.note_freeze(outcome.checkpoint, outcome.freeze_ms),
                        "its freeze is known without the seal");
  const catalog::LifeRow life{.key = context_.key(),
                              .time = base::now_unix_millis(),
                              .event = catalog::LifeEvent::kCheckpointed,
                              .session = context_.request.session,
                              .checkpoint = outcome.checkpoint,
                              .detail = trigger_of(context_.request),
                              .freeze_ms = outcome.freeze_ms,
                              .bytes = outcome.bytes,
                              .cpu_time_us = sealed.dumped.cpu_time_us};
  base::warn_and_ignore(context_.store.catalog.add_life_event(life), "history not written");
  outcome = record(std::move(outcome));
  // Before the caller goes on: we hold the container's lock, and another checkpoint is refused
  // while we do.
  tidy(std::move(prepared), sealed);
  return outcome;
}

host::Outcome CheckpointSession::record(host::Outcome outcome) {
  outcome.total_ms = phases_.total_ms();
  const catalog::SessionRow row{.id = context_.request.session,
                                .key = context_.key(),
                                .kind = catalog::SessionKind::kCheckpoint,
                                .trigger = trigger_of(context_.request),
                                .begin = begin_,
                                .end = base::now_unix_millis(),
                                .status = status_of(outcome),
                                .reason = outcome.reason,
                                .hint = outcome.hint,
                                .checkpoint = outcome.checkpoint,
                                .phases = phases_.finish(),
                                .log_directory = context_.directory().string()};
  base::warn_and_ignore(context_.store.catalog.finish_session(row), "outcome not written");
  return outcome;
}

// What can wait until the container runs on, or has ended: lets later checkpoints find the pages of
// this one, and frees the space of those that it supersedes.
void CheckpointSession::tidy(Prepared prepared, const Sealed& sealed) {
  remove_superseded();
  base::warn_and_ignore(
      context_.store.catalog.note_stored_bytes(sealed.manifest.id, prepared.writer->stored_bytes()),
      "its stored size is not known yet");
  base::warn_and_ignore(prepared.writer->settle(), "its pages will be stored again");
  // A writer that lives keeps gc waiting.
  prepared.writer.reset();
  const auto collected = context_.store.checkpoints->collect(std::chrono::milliseconds(0));
  if (!collected && collected.error().code() != ErrorCode::kBusy)
    base::warn_and_ignore(collected, "space was not freed");
}

void CheckpointSession::remove_superseded() {
  const auto pruned = store::prune(context_.store, context_.retention, {.only = context_.key()});
  base::warn_and_ignore(pruned, "old checkpoints were not removed");
  if (pruned && !pruned->fits)
    base::log(LogLevel::kWarn, "the store is larger than it is to be: all that is left is needed",
              {{"bytes", std::to_string(pruned->bytes)}});
}

}  // namespace reprise::session
