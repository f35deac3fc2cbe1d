// SPDX-License-Identifier: Apache-2.0
#include "session/restore_session.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "container/file_tree.h"
#include "engine/engine.h"
#include "host/layout.h"
#include "host/message.h"
#include "host/request.h"
#include "image/part_names.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "preflight/memory_limit.h"
#include "preflight/mount_sources.h"
#include "session/attributes.h"
#include "session/foreign.h"
#include "session/held_tasks.h"
#include "session/network_state.h"
#include "session/outside.h"
#include "session/overlays.h"
#include "session/parts.h"
#include "session/pod.h"
#include "session/restore_images.h"
#include "session/restore_rootfs.h"
#include "session/restore_settlement.h"
#include "session/restored_tasks.h"
#include "session/undo/take_back.h"
#include "session/volumes.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/readable.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fault_point;
using base::LogLevel;
using base::Result;

RestoreSession::RestoreSession(Context& context)
    : context_(context), phases_(context.caller), begin_(base::now_unix_millis()) {}

host::Outcome RestoreSession::run() {
  const auto steps = [this]() -> Result<void> {
    REPRISE_PASS(prepare());
    return await_runc();
  };
  const Result<void> result = steps();
  phases_.begin("finish");
  if (result) {
    settle_restored(context_);
    if (init_ > 0) note_not_given_back(inject_attributes(*reader_, init_));
  } else if (const auto undone = undo::take_back(context_); !undone)
    base::log(LogLevel::kError, "undoing the restore is incomplete",
              {{"error", undone.error().details()}});
  return record(result);
}

Result<void> RestoreSession::prepare() {
  phases_.begin("prepare");
  REPRISE_PASS(fault_point("restore-prepare"));
  const host::RestoreRequest& request = context_.request.restore();
  spec_ = REPRISE_PASS(oci::load_spec(request.bundle));
  wishes_ = REPRISE_PASS(oci::parse_wishes(spec_->annotations));
  // First of all: the network is up already, and the time until its sockets are back is long enough
  // for a peer to send something.
  if (const auto& ns = spec_->network_namespace_path; !ns.empty()) {
    network_lock_ = REPRISE_PASS(network::lock_network(ns, {}, kRestoreLimit));
    REPRISE_PASS(context_.journal().write(undo::NetworkBlocked{{.network = ns}}));
    REPRISE_PASS(context_.journal().write(undo::ConnectionsHeld()));
    REPRISE_PASS(network::block_outside(ns));
  }
  reader_ = REPRISE_TRY(context_.store.checkpoints->open(request.checkpoint),
                        "opening checkpoint '" + request.checkpoint.str() + "'");
  // Packets are dropped inside by now, so those that wait on the host may come. Of the container
  // that was checkpointed: a clone has its connections, too.
  base::warn_and_ignore(network::lift_hold(reader_->manifest().key),
                        "outside connections stall for a while");
  if (network_lock_)
    REPRISE_PASS(hold_neighbours(context_, *reader_, spec_->network_namespace_path));
  REPRISE_PASS(check_fit());
  // Before anything of the container is touched: what is damaged shows here.
  phases_.begin("read");
  const std::filesystem::path images = REPRISE_PASS(reader_->pages().materialize());
  REPRISE_TRY(mend_mounts(images), "preparing the container's mounts");
  const auto places = REPRISE_PASS(vet_foreign(context_, *reader_, images));
  restore_ = REPRISE_TRY(context_.engine->begin(REPRISE_PASS(request_for(images))),
                         "preparing the container's mounts");
  phases_.begin("files");
  REPRISE_PASS(prepare_rootfs(*reader_, *spec_, context_));
  REPRISE_PASS(prepare_shm());
  if (wishes_.fill_volumes_from == request.checkpoint.str())
    REPRISE_PASS(fill_volumes(*reader_, *spec_, context_));
  overlays_ = REPRISE_PASS(mount_overlays(*reader_, *spec_, context_));
  REPRISE_PASS(check_foreign_places(places, *spec_));
  REPRISE_PASS(fault_point("restore-files"));
  phases_.begin("network");
  REPRISE_PASS(prepare_network());
  REPRISE_PASS(fault_point("restore-network"));
  REPRISE_TRY(prepare_images(*reader_, images), "preparing the sockets");
  note_lost_limits();
  const host::Ready ready = REPRISE_PASS(plan(images));
  phases_.begin("restore");
  REPRISE_PASS(fault_point("before-restore"));
  REPRISE_PASS(context_.journal().write(undo::RestoreBegun()));
  report(context_.caller, ready);
  return fault_point("restore-ready");
}

// Ids that people choose are used again, also for something else: somebody who runs another program
// would be surprised by the old one.
Result<void> RestoreSession::check_command() const {
  const auto part = REPRISE_PASS(reader_->find_part(image::kCommandPart));
  if (!part) return {};
  if (REPRISE_PASS(sys::read_file(*part)) == oci::command_line(*spec_)) return {};
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "the container runs another command than the checkpoint's")
          .with_hint("use another id for another program"));
}

// The kernel would kill it in the middle of the restore, or soon afterwards.
Result<void> RestoreSession::check_memory() const {
  const std::uint64_t needed = image::memory_needed(reader_->manifest());
  const auto limit = REPRISE_PASS(preflight::load_memory_limit(context_.request.restore().bundle));
  struct sysinfo host{};
  if (preflight::suffices(limit, needed, ::sysinfo(&host) == 0 && host.totalswap > 0)) return {};
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  const auto mebibytes = [](std::uint64_t bytes) {
    return std::to_string((bytes + kMebibyte - 1) / kMebibyte);
  };
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "the memory limit of " + mebibytes(static_cast<std::uint64_t>(limit.memory)) +
                " MiB is too low: the checkpoint holds " + mebibytes(needed) + " MiB")
          .with_hint("raise it above that: podman update --memory"));
}

// CRIU finds missing mounts as well, but late, and names them by number.
Result<void> RestoreSession::check_fit() const {
  REPRISE_PASS(check_command());
  REPRISE_PASS(check_outside(*reader_, *spec_, wishes_));
  REPRISE_PASS(check_memory());
  const std::vector<std::string> present = oci::external_mounts(*spec_);
  std::string missing;
  for (const std::string& mount : reader_->manifest().mounts)
    if (!std::ranges::binary_search(present, mount))
      missing += (missing.empty() ? "'" : ", '") + mount + "'";
  if (missing.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "the checkpoint needs something mounted at " + missing)
          .with_hint("create the container with the same volumes and mounts as before ('reprise "
                     "restore … -- --volume HOST:DIR' adds one)"));
}

Result<engine::RestoreRequest> RestoreSession::request_for(
    const std::filesystem::path& images) const {
  const host::RestoreRequest& asked = context_.request.restore();
  engine::RestoreRequest request{.container = context_.request.container,
                                 .bundle = asked.bundle,
                                 .program = context_.layout.runc,
                                 .globals = asked.globals,
                                 .options = asked.options,
                                 .images = images,
                                 .renamed = {.from = reader_->manifest().container.str(),
                                             .to = context_.request.container.str()},
                                 .cgroups = {},
                                 .elsewhere = {}};
  for (const oci::Mount& mount : spec_->mounts)
    if (mount.type == "cgroup") request.cgroups.push_back(mount.destination);
  for (preflight::LinkedSource& source : preflight::linked_sources(*spec_))
    request.elsewhere.emplace_back(std::move(source.destination), std::move(source.target));
  return request;
}

// What the wrapper is to run, so that the restored process becomes a child of its parent.
Result<host::Ready> RestoreSession::plan(const std::filesystem::path& images) const {
  engine::RestoreCommand command = REPRISE_PASS(restore_->plan(overlays_));
  return host::Ready{.argv = std::move(command.argv),
                     .environment = std::move(command.environment),
                     .image_path = images.string(),
                     .work_path = context_.directory().string()};
}

Result<void> RestoreSession::prepare_shm() {
  if (spec_->shares_ipc) return fill_shared_memory(context_, *reader_, *spec_);
  const auto part = REPRISE_PASS(find_tree_part(*reader_, image::kShmPart));
  if (!part) return {};
  const auto shm = oci::shm_directory(*spec_);
  if (!shm)
    return fail(ErrorCode::kUnsupported,
                "the checkpoint needs a '/dev/shm' of the container's own");
  REPRISE_PASS(context_.journal().write(undo::SharedMemoryFilled{.directory = *shm}));
  REPRISE_TRY(container::extract_tree(*part, *shm), "filling '/dev/shm'");
  return {};
}

Result<void> RestoreSession::prepare_network() {
  // A namespace that runc makes itself is set up by CRIU; there is nothing to enter yet.
  const std::filesystem::path ns = spec_->network_namespace_path;
  if (ns.empty()) return {};
  const undo::Journal journal = context_.journal();
  REPRISE_PASS(journal.write(undo::NetworkChanged{{.network = ns}}));
  REPRISE_PASS(set_up_network(ns));
  const auto addresses = REPRISE_PASS(addresses_to_adopt(*reader_));
  REPRISE_PASS(journal.write(undo::AddressesAdopted{.network = ns, .addresses = addresses}));
  // Not every one is needed, and CRIU has the last word about those that are.
  base::warn_and_ignore(network::adopt_addresses(ns, addresses),
                        "sockets of an old address may not be restored");
  return {};
}

Result<void> RestoreSession::set_up_network(const network::NetworkNamespace& ns) {
  const std::string lost = REPRISE_PASS(restore_network_state(context_, *reader_, *spec_, ns));
  if (!lost.empty()) note_ += (note_.empty() ? "" : "; ") + lost;
  return {};
}

// CRIU lowers limits, and fails to raise them, without a word; runc and CRIU have our limits.
void RestoreSession::note_lost_limits() {
  if (sys::has_cap_sys_resource()) return;
  const auto lost = restore_->lost_limits();
  base::warn_and_ignore(lost, "limits not compared");
  if (lost && !lost->empty())
    add_note(
        "hard limits were not raised to what they were, since this host lacks "
        "CAP_SYS_RESOURCE: " +
        *lost);
}

void RestoreSession::add_note(const std::string& text) {
  note_ += (note_.empty() ? "" : "; ") + text;
}

// None of them is a reason to end the tasks, who asked for other resources than before may lack
// some; but whoever starts the container is told.
void RestoreSession::note_not_given_back(const Result<std::vector<std::string>>& failed) {
  if (!failed) return add_note("not given back: " + failed.error().message());
  constexpr std::size_t kMostTold = 3;
  for (std::size_t i = 0; i < std::min(failed->size(), kMostTold); ++i)
    add_note("not given back: " + (*failed)[i]);
  if (failed->size() > kMostTold)
    add_note("and " + std::to_string(failed->size() - kMostTold) + " more, see 'reprise logs'");
  for (const std::string& one : *failed)
    base::log(LogLevel::kWarn, "not given back", {{"what", one}});
}

// The wrapper runs runc; CRIU asks us at its steps; the wrapper tells how it ended.
Result<void> RestoreSession::await_runc() {
  constexpr std::chrono::milliseconds kLook{300};
  constexpr std::chrono::milliseconds kSeldomLook{2000};  // through all processes of the host
  const auto deadline = std::chrono::steady_clock::now() + kRestoreLimit;
  for (;;) {
    const auto look =
        std::min(std::chrono::steady_clock::now() + (holds_ ? kLook : kSeldomLook), deadline);
    switch (REPRISE_PASS(sys::wait_readable(restore_->due(), context_.caller.fd(), look))) {
      case sys::Readable::kFirst:
        REPRISE_PASS(restore_->do_step(*this));
        break;
      case sys::Readable::kSecond:
        return take_result();
      case sys::Readable::kNeither:
        if (std::chrono::steady_clock::now() < deadline) {
          look_after_engine();
          break;
        }
        return fail(ErrorCode::kBusy, "runc did not end within the session's limit");
    }
  }
}

// Where CRIU is killed after it let the tasks go, runc waits for their end, for which they must not
// be frozen. Otherwise it ends in a moment when CRIU has, but for a child of it that stands still
// (seen once in a thousand random kills: one that was left stopped, and nobody's any more).
void RestoreSession::look_after_engine() {
  constexpr std::chrono::seconds kMoment{5};
  const auto now = std::chrono::steady_clock::now();
  const engine::EngineState engine = restore_->state();
  if (engine == engine::EngineState::kRuns) return engine_idle_.reset();
  if (!engine_idle_) engine_idle_ = now;
  if (now - *engine_idle_ < kMoment) return;
  if (engine == engine::EngineState::kStopped) return restore_->wake();
  if (!holds_) return;
  ended_ = true;
  base::warn_and_ignore(end_held_tasks(context_), "runc may wait for long");
}

// A namespace that runc makes exists from here on.
Result<void> RestoreSession::namespaces_made(pid_t init) {
  if (completed_ && spec_->has_network_namespace && spec_->network_namespace_path.empty())
    completed_ = set_up_network("/proc/" + std::to_string(init) + "/ns/net");
  return completed_;
}

Result<void> RestoreSession::tasks_made(pid_t init) {
  phases_.begin("complete");
  const auto complete = [&]() -> Result<void> {
    REPRISE_PASS(fault_point("post-restore"));
    return complete_tasks(*reader_, *spec_, context_, *restore_, init);
  };
  completed_ = complete();
  return completed_;
}

Result<void> RestoreSession::may_run(pid_t init) {
  completed_ = before_resume(init);
  return completed_;
}

// They run when runc has done its part as well, so that whatever fails until then can be undone.
// Where nothing can hold them that long, this is the last moment at which they wait.
Result<void> RestoreSession::before_resume(pid_t init) {
  REPRISE_PASS(fault_point("pre-resume"));
  init_ = init;
  note_not_given_back(restore_attributes(*reader_, init_));
  const Result<void> held = hold_tasks(context_);
  if (!held && held.error().code() != ErrorCode::kUnsupported) return held;
  if (!held) {
    REPRISE_PASS(let_go(context_, *reader_, spec_->network_namespace_path));
    has_let_go_ = true;
  }
  holds_ = held.has_value();
  return restore_->give_leave();
}

Result<void> RestoreSession::take_result() {
  const auto message = REPRISE_TRY(context_.caller.receive(), "waiting for runc");
  const auto ended = message
                         ? host::decode_restored(*message)
                         : fail(ErrorCode::kGone, "the runtime wrapper died during the restore");
  if (has_let_go_) {
    base::warn_and_ignore(ended, "the container runs");
    return {};
  }
  if (const int exit_code = REPRISE_PASS(ended); exit_code != 0) return runc_failed(exit_code);
  if (ended_) return std::unexpected(Error(ErrorCode::kGone, "CRIU was killed"));
  REPRISE_PASS(let_go(context_, *reader_, spec_->network_namespace_path));
  // It runs: from here on nothing may undo it.
  base::warn_and_ignore(fault_point("restore-told"), "restored");
  return {};
}

Result<void> RestoreSession::runc_failed(int exit_code) const {
  constexpr int kKilled = 128;  // the shells' convention, which the wrapper follows
  const engine::RestoreEnd end = restore_->how_it_ended();
  if (exit_code > kKilled || end == engine::RestoreEnd::kCutOff)
    return std::unexpected(Error(ErrorCode::kGone, completed_ ? "CRIU or runc was killed"
                                                              : completed_.error().message())
                               .with_hint("was the host out of memory? see dmesg"));
  if (!completed_) return completed_;
  // Before CRIU was asked, runc refuses what is still on its way out: tasks of an attempt before.
  const bool begun = end != engine::RestoreEnd::kNotBegun;
  Error error(begun ? ErrorCode::kUnsupported : ErrorCode::kBusy,
              "runc restore ended with exit status " + std::to_string(exit_code));
  return std::unexpected(cause_of_failure(std::move(error), *context_.engine, *spec_));
}

host::Outcome RestoreSession::record(const Result<void>& result) {
  host::Outcome outcome{
      .status = host::Outcome::Status::kDone, .reason = note_, .hint = {}, .checkpoint = {}};
  if (!result) outcome = host::failed_outcome(result.error());
  outcome.checkpoint = context_.request.restore().checkpoint;
  outcome.total_ms = phases_.total_ms();
  const base::UnixMillis now = base::now_unix_millis();
  const catalog::LifeRow life{
      .key = context_.key(),
      .time = now,
      .event = outcome.ok() ? catalog::LifeEvent::kRestored : catalog::LifeEvent::kRestoreFailed,
      .session = context_.request.session,
      .checkpoint = context_.request.restore().checkpoint,
      .detail = outcome.reason,
      .restore_ms = outcome.total_ms,
      .cpu_time_us = reader_ && outcome.ok() ? reader_->manifest().cpu_time_us : 0};
  const catalog::SessionRow row{.id = context_.request.session,
                                .key = context_.key(),
                                .kind = catalog::SessionKind::kRestore,
                                .trigger = trigger_of(context_.request),
                                .begin = begin_,
                                .end = now,
                                .status = status_of(outcome),
                                .reason = outcome.reason,
                                .hint = outcome.hint,
                                .checkpoint = context_.request.restore().checkpoint,
                                .phases = phases_.finish(),
                                .log_directory = context_.directory().string()};
  if (!result)
    base::log(
        LogLevel::kError, "restore failed",
        {{"container", context_.request.container.str()}, {"error", result.error().details()}});
  for (const auto& written :
       {context_.store.catalog.add_life_event(life), context_.store.catalog.finish_session(row)})
    base::warn_and_ignore(written, "history not written");
  return outcome;
}

}  // namespace reprise::session
