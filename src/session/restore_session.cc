// SPDX-License-Identifier: Apache-2.0
#include "session/restore_session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "container/file_tree.h"
#include "container/network.h"
#include "engine/criu_config.h"
#include "engine/criu_hook.h"
#include "engine/dump.h"
#include "session/fault.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::LogLevel;
using base::Result;

RestoreSession::RestoreSession(Context& context)
    : context_(context), phases_(context.caller), begin_(base::now_unix_millis()) {}

container::WorkerEvent RestoreSession::run() {
  const auto steps = [this]() -> Result<void> {
    REPRISE_PASS(prepare());
    return await_runc();
  };
  const Result<void> result = steps();
  phases_.begin("finish");
  if (result) {
    settle_network();
  } else if (const auto undone = undo_restore_preparation(context_); !undone) {
    base::log(LogLevel::kError, "undoing the restore is incomplete",
              {{"error", undone.error().details()}});
  }
  return record(result);
}

Result<void> RestoreSession::prepare() {
  phases_.begin("prepare");
  REPRISE_PASS(fault_point("restore-prepare"));
  const auto& request = context_.request;
  spec_ = REPRISE_PASS(container::load_oci_spec(request.bundle));
  reader_ = REPRISE_TRY(context_.store->open(request.checkpoint),
                        "opening checkpoint '" + request.checkpoint.str() + "'");
  REPRISE_PASS(check_fit());
  phases_.begin("verify");
  REPRISE_TRY(context_.store->verify(request.checkpoint),
              "verifying checkpoint '" + request.checkpoint.str() + "'");
  phases_.begin("files");
  REPRISE_PASS(prepare_shm());
  phases_.begin("network");
  REPRISE_PASS(prepare_network());
  container::WorkerEvent ready;
  ready.kind = container::WorkerEventKind::kReady;
  ready.image_path = REPRISE_PASS(reader_->pages().materialize()).string();
  ready.work_path = context_.directory().string();
  const std::filesystem::path config = context_.directory() / "criu.conf";
  const std::filesystem::path worker = REPRISE_PASS(container::find_worker());
  REPRISE_PASS(sys::replace_file(config, engine::restore_config(engine::hook_script(worker))));
  ready.criu_config = config.string();
  phases_.begin("restore");
  REPRISE_PASS(fault_point("before-restore"));
  report(context_.caller, ready);
  return {};
}

// CRIU finds missing mounts as well, but late, and names them by number.
Result<void> RestoreSession::check_fit() const {
  const std::vector<std::string> present = container::external_mounts(*spec_);
  for (const std::string& mount : reader_->manifest().mounts)
    if (!std::ranges::binary_search(present, mount))
      return std::unexpected(
          Error(ErrorCode::kUnsupported,
                "the checkpoint needs something mounted at '" + mount + "'")
              .with_hint("create the container with the same volumes and mounts as before"));
  return {};
}

Result<void> RestoreSession::prepare_shm() {
  const Result<std::filesystem::path> part = reader_->part("shm.tar");
  if (!part) {
    if (part.error().code() == ErrorCode::kNotFound) return {};
    return std::unexpected(part.error());
  }
  const auto shm = container::shm_directory(*spec_);
  if (!shm)
    return fail(ErrorCode::kUnsupported,
                "the checkpoint needs a '/dev/shm' of the container's own");
  REPRISE_TRY(container::extract_tree(*part, *shm), "filling '/dev/shm'");
  return {};
}

Result<void> RestoreSession::prepare_network() {
  // A namespace that runc makes itself is set up by CRIU; there is nothing to enter yet.
  if (spec_->network_namespace_path.empty()) return {};
  adopted_ = REPRISE_PASS(
      container::adopt_addresses(spec_->network_namespace_path, reader_->manifest().addresses));
  return {};
}

Result<void> RestoreSession::await_runc() {
  const auto message = REPRISE_TRY(context_.caller.receive(kSessionLimit), "waiting for runc");
  if (!message) return fail(ErrorCode::kGone, "the runtime wrapper died during the restore");
  const int exit_code = REPRISE_PASS(container::decode_restored(*message));
  if (exit_code == 0) return {};
  Error error(ErrorCode::kIo, "runc restore ended with exit status " + std::to_string(exit_code));
  return std::unexpected(
      engine::with_criu_cause(std::move(error), context_.directory() / "restore.log"));
}

// The container runs by now: a connection that cannot go on must say so at once.
void RestoreSession::settle_network() {
  if (adopted_.empty()) return;
  const auto reset = container::reset_outside_connections(spec_->network_namespace_path, adopted_);
  if (!reset)
    base::log(LogLevel::kWarn, "outside connections may hang until they time out, ignoring",
              {{"error", reset.error().message()}});
}

Result<void> undo_restore_preparation(const Context& context) {
  Result<void> first{};
  const auto note = [&first](const auto& result) {
    if (!result && first) first = std::unexpected(result.error());
  };
  const auto spec = container::load_oci_spec(context.request.bundle);
  if (!spec) return std::unexpected(spec.error());
  if (const auto shm = container::shm_directory(*spec)) note(container::empty_directory(*shm));
  const auto reader = context.store->open(context.request.checkpoint);
  if (reader && !spec->network_namespace_path.empty())
    note(container::release_addresses(spec->network_namespace_path,
                                      (*reader)->manifest().addresses));
  return first;
}

container::WorkerEvent RestoreSession::record(const Result<void>& result) {
  container::WorkerEvent outcome;
  outcome.kind = container::WorkerEventKind::kOutcome;
  if (!result) outcome = failed_outcome(result.error());
  outcome.ok = result.has_value();
  outcome.checkpoint = context_.request.checkpoint.str();
  outcome.total_ms = phases_.total_ms();
  const base::UnixMillis now = base::now_unix_millis();
  const store::LifeRow life{
      .key = context_.key(),
      .time = now,
      .event = outcome.ok ? store::LifeEvent::kRestored : store::LifeEvent::kRestoreFailed,
      .session = context_.request.session,
      .checkpoint = context_.request.checkpoint,
      .detail = outcome.reason,
      .restore_ms = outcome.total_ms,
      .cpu_time_us = reader_ && outcome.ok ? reader_->manifest().cpu_time_us : 0};
  const store::SessionRow row{.id = context_.request.session,
                              .key = context_.key(),
                              .kind = "restore",
                              .trigger = context_.request.trigger,
                              .begin = begin_,
                              .end = now,
                              .status = outcome.ok ? "ok" : "failed",
                              .reason = outcome.reason,
                              .hint = outcome.hint,
                              .checkpoint = context_.request.checkpoint,
                              .phases = phases_.finish(),
                              .log_directory = context_.directory().string()};
  if (!result)
    base::log(
        LogLevel::kError, "restore failed",
        {{"container", context_.request.container.str()}, {"error", result.error().details()}});
  for (const auto& written :
       {context_.catalog.add_life_event(life), context_.catalog.finish_session(row)})
    if (!written)
      base::log(LogLevel::kWarn, "history not written, ignoring",
                {{"error", written.error().message()}});
  return outcome;
}

}  // namespace reprise::session
