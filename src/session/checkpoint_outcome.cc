// SPDX-License-Identifier: Apache-2.0
//
// What is left of a checkpoint session once the container's fate is settled: what it tells, and
// what it tidies up. Nothing here can fail it any more.
#include <chrono>

#include "base/log.h"
#include "host/message.h"
#include "session/checkpoint_session.h"
#include "store/prune.h"

namespace reprise::session {

using base::ErrorCode;
using base::LogLevel;
using base::Result;

host::Outcome CheckpointSession::record(const Result<void>& result) {
  host::Outcome outcome{
      .status = host::Outcome::Status::kDone, .reason = {}, .hint = {}, .checkpoint = {}};
  if (!result) outcome = host::failed_outcome(result.error());
  outcome.freeze_ms = freeze_ms_;
  if (sealed_) {
    outcome.checkpoint = sealed_->id;
    for (const image::ManifestFile& file : sealed_->files) outcome.bytes += file.bytes;
    catalog::LifeRow life{.key = context_.key(),
                          .time = base::now_unix_millis(),
                          .event = catalog::LifeEvent::kCheckpointed,
                          .session = context_.request.session,
                          .checkpoint = sealed_->id,
                          .detail = trigger_of(context_.request),
                          .freeze_ms = freeze_ms_,
                          .bytes = outcome.bytes,
                          .cpu_time_us = cpu_time_us_};
    base::warn_and_ignore(context_.catalog.add_life_event(life), "history not written");
  } else {
    base::log(
        LogLevel::kError, "checkpoint failed, the container runs on",
        {{"container", context_.request.container.str()}, {"error", result.error().details()}});
  }
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
  base::warn_and_ignore(context_.catalog.finish_session(row), "outcome not written");
  return outcome;
}

// What can wait until the container runs on, or has ended: lets later checkpoints find the pages of
// this one, and frees the space of those that it supersedes.
void CheckpointSession::tidy() {
  remove_superseded();
  base::warn_and_ignore(context_.catalog.note_stored_bytes(sealed_->id, writer_->stored_bytes()),
                        "its stored size is not known yet");
  base::warn_and_ignore(writer_->settle(), "its pages will be stored again");
  // A writer that lives keeps gc waiting.
  writer_.reset();
  const auto collected = context_.store->collect(std::chrono::milliseconds(0));
  if (!collected && collected.error().code() != ErrorCode::kBusy)
    base::warn_and_ignore(collected, "space was not freed");
}

void CheckpointSession::remove_superseded() {
  const auto pruned =
      store::prune(context_.catalog, *context_.store, context_.retention, {.only = context_.key()});
  base::warn_and_ignore(pruned, "old checkpoints were not removed");
  if (pruned && !pruned->fits)
    base::log(LogLevel::kWarn, "the store is larger than it is to be: all that is left is needed",
              {{"bytes", std::to_string(pruned->bytes)}});
}

}  // namespace reprise::session
