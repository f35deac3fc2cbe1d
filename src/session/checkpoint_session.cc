// SPDX-License-Identifier: Apache-2.0
#include "session/checkpoint_session.h"

#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "attributes/process_attributes.h"
#include "attributes/unix_peers.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/scope_exit.h"
#include "catalog/origin.h"
#include "container/exec_sessions.h"
#include "container/inotify_watches.h"
#include "container/joined_namespaces.h"
#include "container/task_tree.h"
#include "engine/engine.h"
#include "host/continuation_note.h"
#include "host/layout.h"
#include "host/message.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "preflight/network_obstacles.h"
#include "preflight/obstacles.h"
#include "session/attributes.h"
#include "session/capture.h"
#include "session/connections.h"
#include "session/freeze.h"
#include "session/network_state.h"
#include "session/overlays.h"
#include "session/parts.h"
#include "session/pod.h"
#include "session/seal_hold.h"
#include "session/sealed.h"
#include "session/settlement.h"
#include "session/undo/take_back.h"
#include "session/unix_peers.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fault_point;
using base::LogLevel;
using base::Result;

namespace {

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

Result<void> refuse_paused(const oci::State& state) {
  if (!REPRISE_PASS(container::Cgroup(state.cgroup_paths).is_frozen())) return {};
  return std::unexpected(Error(ErrorCode::kBusy, "the container is paused")
                             .with_hint("resume it first: podman unpause NAME"));
}

// CRIU would refuse as well, but in the middle of a dump and in words for those who know it.
Result<void> refuse(const std::vector<preflight::Obstacle>& found) {
  if (found.empty()) return {};
  const preflight::Obstacle& first = found.front();
  std::string text = first.subject + " " + first.text;
  if (found.size() > 1)
    text += " (and " + std::to_string(found.size() - 1) + " more: see 'reprise doctor')";
  return std::unexpected(Error(ErrorCode::kUnsupported, text).with_hint(first.remedy));
}

}  // namespace

CheckpointSession::CheckpointSession(Context& context, FreezeWatch& watch)
    : context_(context), watch_(watch), phases_(context.caller), begin_(base::now_unix_millis()) {}

host::Outcome CheckpointSession::run() {
  const auto steps = [this]() -> Result<void> {
    REPRISE_PASS(admit());
    REPRISE_PASS(prepare());
    REPRISE_PASS(dump());
    if (!context_.request.checkpoint().end) REPRISE_PASS(seal());
    return {};
  };
  Result<void> result = steps();
  phases_.begin("finish");
  if (const auto fault = fault_point("before-finish"); result && !fault) result = fault;
  if (sealed_ && context_.request.checkpoint().end)
    end_sealed_container(
        *state_,
        *spec_);  // whatever CRIU said after the seal: the checkpoint stands, so it must end
  else if (!result)
    roll_back();
  if (sealed_) result = {};
  host::Outcome outcome = record(result);
  // Before the caller goes on: we hold the container's lock, and another checkpoint is refused
  // while we do.
  if (sealed_) tidy();
  return outcome;
}

Result<void> CheckpointSession::admit() {
  phases_.begin("admit");
  REPRISE_PASS(fault_point("session-begin"));
  const auto& request = context_.request;
  state_ = REPRISE_PASS(context_.runtime().state_of(request.container));
  spec_ = REPRISE_PASS(oci::load_spec(state_->bundle));
  wishes_ = REPRISE_PASS(oci::parse_wishes(spec_->annotations));
  // Whoever made a namespace that the container joined may have ended.
  spec_->network_namespace_path =
      container::network_path_of(spec_->network_namespace_path, state_->init.pid);
  if (!sys::is_alive(state_->init))
    return fail(ErrorCode::kGone, "container '" + request.container.str() + "' has ended");
  REPRISE_PASS(refuse_paused(*state_));
  return refuse(preflight::examine(context_.proc, state_->init.pid,
                                   {.spec = &*spec_, .bundle = state_->bundle})
                    .obstacles);
}

Result<void> CheckpointSession::prepare() {
  phases_.begin("prepare");
  REPRISE_PASS(context_.journal().write(undo::StoreBegun()));
  // Whatever an earlier writer left that died: its space may be what we need now.
  REPRISE_PASS(context_.store->sweep());
  const auto memory = container::Cgroup(state_->cgroup_paths).memory_bytes();
  writer_ = REPRISE_TRY(
      context_.store->begin({.memory = memory.value_or(store::CheckpointStore::kUnknownSize),
                             .waiting = context_.request.checkpoint().end}),
      "preparing the store");
  REPRISE_PASS(note_checkpoint(context_.layout, context_.request.session, writer_->id()));
  note_continuation();
  // Both hold what people gave as environment and arguments.
  REPRISE_PASS(writer_->keep_part(kCommandPart, oci::command_line(*spec_)));
  REPRISE_PASS(
      writer_->keep_part(kSpecPart, REPRISE_PASS(sys::read_file(state_->bundle + "/config.json"))));
  runtime_version_ = context_.runtime().version();
  criu_version_ = REPRISE_PASS(context_.engine->version());
  watched_ = container::find_inodes("/proc/" + std::to_string(state_->init.pid) + "/root",
                                    container::watches_of("/proc", state_->init.pid));
  asked_ = attributes::ask_attributes("/proc", state_->init.pid);
  for (const std::string& doubt : asked_.doubts)
    base::log(LogLevel::kWarn, "may come back without what it has denied itself",
              {{"what", "memory that is writable and executable"}, {"reason", doubt}});
  if (const auto ns = network()) {
    addresses_ = REPRISE_PASS(network::addresses(*ns));
    REPRISE_PASS(capture_network_state(context_, *writer_, *spec_, *ns));
  }
  REPRISE_PASS(await_neighbours());
  REPRISE_PASS(fault_point("before-dump"));
  return settle_executed();
}

// They end with the container, and their connections to it would keep it from being saved. Last of
// all that is done before the dump, when nothing is known that speaks against it.
Result<void> CheckpointSession::settle_executed() {
  constexpr std::chrono::milliseconds kPatience{500};
  if (context_.request.checkpoint().end) {
    container::end_executed_processes("/proc", state_->init.pid, kPatience);
    return {};
  }
  return refuse(preflight::examine_executed(context_.proc, state_->init.pid));
}

// Before the tasks stand still: it costs two syncs. Without it the checkpoint is as good, but a
// start that does not find the store would be cold.
void CheckpointSession::note_continuation() const {
  if (!context_.request.checkpoint().end) return;
  const auto note = [this]() -> Result<void> {
    REPRISE_PASS(context_.journal().write(undo::ContinuationNoted()));
    return host::write_note(state_->bundle, {.time = base::now_unix_millis(),
                                             .checkpoint = writer_->id(),
                                             .session = context_.request.session,
                                             .store = context_.layout.store});
  };
  base::warn_and_ignore(note(), "the container's directory does not tell that it has a checkpoint");
}

// Two members of a pod are dumped one after the other. The container runs while it waits, at most
// as long as the other one may stand still.
Result<void> CheckpointSession::await_neighbours() {
  if (spec_->network_namespace_path.empty()) return {};
  network_lock_ = REPRISE_PASS(network::lock_network(
      spec_->network_namespace_path, container::processes_of("/proc", state_->init.pid),
      wishes_.freeze_limit));
  return {};
}

std::optional<std::filesystem::path> CheckpointSession::network() const {
  if (!spec_->has_network_namespace) return std::nullopt;
  return container::network_of(*spec_, *state_);
}

Result<void> CheckpointSession::dump() {
  phases_.begin("dump");
  REPRISE_TRY(container::mend_joined_namespaces(context_.runtime(), context_.request.container,
                                                state_->init.pid),
              "finding the namespaces that the container joined");
  const auto outside = REPRISE_PASS(attributes::outside_peers("/proc", state_->init.pid));
  engine::DumpRequest request{
      .runtime = context_.runtime(),
      .container = context_.request.container,
      .cgroup = container::Cgroup(state_->cgroup_paths),
      .init = state_->init.pid,
      .watched = watched_,
      .outside = overlay_mounts(*spec_),
      .after =
          context_.request.checkpoint().end ? engine::AfterDump::kEnd : engine::AfterDump::kRunOn,
      .tells_frozen = std::ranges::any_of(outside, attributes::can_be_reconnected),
      .limit = wishes_.freeze_limit};
  dump_ = REPRISE_PASS(context_.engine->begin(std::move(request), writer_->pages()));
  // Again, since somebody may have paused it meanwhile: what is frozen from here on is so by us.
  REPRISE_PASS(refuse_paused(*state_));
  if (spec_->has_network_namespace) REPRISE_PASS(context_.journal().write(undo::NetworkLocked()));
  REPRISE_PASS(note_freeze(context_.layout, context_.request));
  REPRISE_PASS(watch_.begin(wishes_.freeze_limit));
  const base::ScopeExit runs_again([this] { watch_.end(); });
  const engine::DumpStats stats = REPRISE_PASS(dump_->freeze_and_write(*this));
  if (context_.request.checkpoint().end) return {};
  freeze_ms_ = stats.frozen.count();
  memory_bytes_ = stats.memory_bytes;
  return {};
}

Result<void> CheckpointSession::frozen() {
  return disconnect_unix_peers(context_, *writer_, state_->init.pid);
}

// All tasks stand still; every millisecond here is freeze time.
Result<void> CheckpointSession::written() {
  REPRISE_PASS(fault_point("post-dump"));
  phases_.begin("copy-files");
  REPRISE_PASS(capture_files(*writer_, *spec_, wishes_, *state_));
  REPRISE_PASS(capture_affinity(*writer_, *state_));
  REPRISE_PASS(capture_attributes(*writer_, *spec_, *state_, asked_.attributes));
  cpu_time_us_ = cpu_time_us();
  REPRISE_PASS(fault_point("files-copied"));
  if (!context_.request.checkpoint().end)
    reconnect_unix_peers(context_.directory(), state_->init.pid);
  return {};
}

Result<void> CheckpointSession::may_end() {
  if (network_lock_) neighbours_ = REPRISE_PASS(capture_neighbours(*writer_, hold_request()));
  REPRISE_PASS(seal_held());
  freeze_ms_ = dump_->frozen_for().value_or(std::chrono::milliseconds(phases_.total_ms())).count();
  // The seal decides: from here on nothing may let the tasks run on, or they would live twice.
  base::warn_and_ignore(fault_point("after-seal"), "after the seal");
  hold_connections(context_.journal(), hold_request(), neighbours_);
  base::warn_and_ignore(end_sealed_tasks(*state_), "the sealed tasks do not end yet");
  return {};
}

// From before the seal nobody's end lets them run.
Result<void> CheckpointSession::seal_held() {
  REPRISE_PASS(hold_for_seal(*state_));
  Result<void> sealed = seal();
  if (sealed) return {};
  // Before CRIU is to let them go, for which it may wait until they take its signals.
  Error error = std::move(sealed).error();
  if (const Result<void> thawed = thaw(context_.layout, context_.request); !thawed)
    error = std::move(error).with_suppressed(thawed.error());
  return std::unexpected(std::move(error));
}

network::HoldRequest CheckpointSession::hold_request() const {
  return {.container = context_.key(),
          .init = state_->init.pid,
          .network = spec_->network_namespace_path,
          .own = addresses_};
}

// Over all lives: what the checkpoint that this life came from had used, plus this life's cgroup.
std::int64_t CheckpointSession::cpu_time_us() const {
  std::int64_t total = 0;
  if (const auto lives = context_.catalog.lives(context_.key()))
    for (const catalog::LifeRow& life : *lives) {
      if (life.event == catalog::LifeEvent::kStarted) total = 0;
      if (life.event == catalog::LifeEvent::kRestored) total = life.cpu_time_us;
    }
  const Result<std::int64_t> used = container::Cgroup(state_->cgroup_paths).cpu_time_us();
  return total + used.value_or(0);
}

Result<void> CheckpointSession::seal() {
  phases_.begin("seal");
  REPRISE_PASS(fault_point("before-seal"));
  REPRISE_TRY(writer_->pages().absorb(), "storing the memory");
  sealed_.reset();
  image::Manifest sealed = REPRISE_TRY(writer_->seal(describe()), "sealing the checkpoint");
  Result<void> added = context_.catalog.add_checkpoint(sealed, context_.request.checkpoint().tag,
                                                       context_.request.checkpoint().end
                                                           ? catalog::Catalog::Continue::kYes
                                                           : catalog::Catalog::Continue::kNo);
  if (!added) {
    // Not visible in the catalog is not visible at all: the container must run on.
    Error error = std::move(added).error().with_step("adding the checkpoint to the catalog");
    if (Result<void> removed = context_.store->remove(sealed.id); !removed)
      error = std::move(error).with_suppressed(removed.error());
    return std::unexpected(std::move(error));
  }
  base::warn_and_ignore(catalog::note_made_here(context_.layout.store, sealed.id),
                        "the checkpoint counts as made elsewhere");
  sealed_ = std::move(sealed);
  return {};
}

image::Manifest CheckpointSession::describe() const {
  image::Manifest manifest;
  manifest.key = context_.key();
  manifest.container = context_.request.container;
  manifest.name = context_.request.checkpoint().name;
  manifest.trigger = context_.request.checkpoint().trigger;
  manifest.ended = context_.request.checkpoint().end;
  manifest.created = base::now_unix_millis();
  manifest.parent_session = context_.request.session.str();
  manifest.freeze_ms = freeze_ms_;
  if (context_.request.checkpoint().end)
    manifest.freeze_ms = dump_->frozen_for().value_or(std::chrono::milliseconds(0)).count();
  manifest.memory_bytes = memory_bytes_;
  manifest.cpu_time_us = cpu_time_us_;
  manifest.runtime_version = runtime_version_;
  manifest.criu_version = criu_version_;
  manifest.kernel = kernel_release();
  manifest.addresses = addresses_;
  manifest.mounts = oci::external_mounts(*spec_);
  return manifest;
}

void CheckpointSession::roll_back() {
  base::warn_and_ignore(fault_point("rollback"), "rolling back");
  writer_.reset();
  if (const auto kept = undo::take_back(context_); !kept)
    base::log(LogLevel::kError, "rollback is incomplete", {{"error", kept.error().details()}});
}

}  // namespace reprise::session
