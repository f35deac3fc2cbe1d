// SPDX-License-Identifier: Apache-2.0
#include "session/checkpoint/sealed.h"

#include <sys/utsname.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attributes/unix_peers.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/scope_exit.h"
#include "catalog/origin.h"
#include "container/cgroup.h"
#include "container/joined_namespaces.h"
#include "engine/engine.h"
#include "oci/cri.h"
#include "session/attributes.h"
#include "session/capture.h"
#include "session/connections.h"
#include "session/freeze.h"
#include "session/overlays.h"
#include "session/pod.h"
#include "session/pod_files.h"
#include "session/seal_hold.h"
#include "session/unix_peers.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::fault_point;
using base::Result;

namespace {

std::string kernel_release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

// Over all lives: what the checkpoint that this life came from had used, plus this life's cgroup.
std::int64_t cpu_time_us(Context& context, const oci::State& state) {
  std::int64_t total = 0;
  if (const auto lives = context.store.catalog.lives(context.key()))
    for (const catalog::LifeRow& life : *lives) {
      if (life.event == catalog::LifeEvent::kStarted) total = 0;
      if (life.event == catalog::LifeEvent::kRestored) total = life.cpu_time_us;
    }
  const Result<std::int64_t> used = container::Cgroup(state.cgroup_paths).cpu_time_us();
  return total + used.value_or(0);
}

image::Manifest manifest_of(const Context& context, const Prepared& prepared,
                            const Dumped& dumped) {
  const host::CheckpointRequest& request = context.request.checkpoint();
  image::Manifest manifest;
  manifest.key = context.key();
  manifest.container = context.request.container;
  manifest.name = request.name;
  manifest.trigger = request.trigger;
  manifest.ended = request.end;
  manifest.created = base::now_unix_millis();
  manifest.parent_session = context.request.session.str();
  manifest.freeze_ms = dumped.freeze.count();
  manifest.memory_bytes = dumped.memory_bytes;
  manifest.cpu_time_us = dumped.cpu_time_us;
  manifest.runtime_version = prepared.runtime_version;
  manifest.criu_version = prepared.engine_version;
  manifest.kernel = kernel_release();
  manifest.addresses = prepared.addresses;
  manifest.mounts = oci::external_mounts(prepared.container.spec);
  return manifest;
}

Result<image::Manifest> seal(Context& context, const Prepared& prepared, const Dumped& dumped) {
  REPRISE_PASS(fault_point("before-seal"));
  REPRISE_TRY(prepared.writer->pages().absorb(), "storing the memory");
  image::Manifest sealed = REPRISE_TRY(
      prepared.writer->seal(manifest_of(context, prepared, dumped)), "sealing the checkpoint");
  const host::CheckpointRequest& request = context.request.checkpoint();
  Result<void> added = context.store.catalog.add_checkpoint(
      sealed, request.tag,
      request.end ? catalog::Catalog::Continue::kYes : catalog::Catalog::Continue::kNo);
  if (!added) {
    // Not visible in the catalog is not visible at all: the container must run on.
    Error error = std::move(added).error().with_step("adding the checkpoint to the catalog");
    if (Result<void> removed = context.store.checkpoints->remove(sealed.id); !removed)
      error = std::move(error).with_suppressed(removed.error());
    return std::unexpected(std::move(error));
  }
  base::warn_and_ignore(catalog::note_made_here(context.layout.store, sealed.id),
                        "the checkpoint counts as made elsewhere");
  return sealed;
}

// What is done while all tasks stand still; every millisecond here is freeze time.
class Dumping final : public engine::DumpSteps {
 public:
  Dumping(Context& context, const Prepared& prepared, const engine::Dump& dump, Phases& phases)
      : context_(context), prepared_(prepared), dump_(dump), phases_(phases) {}

  // Seals what runs on. An error means that nothing was sealed.
  Result<Sealed> finish(const Result<engine::DumpStats>& stats);

 private:
  Result<void> frozen() override;
  Result<void> written() override;
  Result<void> may_end() override;
  Result<Sealed> seal_held(const Dumped& dumped);

  [[nodiscard]] const oci::State& state() const { return prepared_.container.state; }
  [[nodiscard]] bool ends() const { return context_.request.checkpoint().end; }

  Context& context_;
  const Prepared& prepared_;
  const engine::Dump& dump_;
  Phases& phases_;
  std::optional<Dumped> dumped_;
  std::optional<Sealed> sealed_;
};

Result<void> Dumping::frozen() {
  return disconnect_unix_peers(context_, *prepared_.writer, state().init.pid);
}

Result<void> Dumping::written() {
  REPRISE_PASS(fault_point("post-dump"));
  phases_.begin("copy-files");
  store::CheckpointWriter& writer = *prepared_.writer;
  const Admitted& container = prepared_.container;
  REPRISE_PASS(capture_files(writer, container.spec, container.wishes, container.state));
  REPRISE_PASS(
      capture_pod_files(writer, context_, container.spec, container.state, prepared_.watched));
  REPRISE_PASS(capture_affinity(writer, container.state));
  REPRISE_PASS(
      capture_attributes(writer, container.spec, container.state, prepared_.asked.attributes));
  dumped_ = Dumped{.cpu_time_us = cpu_time_us(context_, container.state)};
  REPRISE_PASS(fault_point("files-copied"));
  if (!ends()) reconnect_unix_peers(context_.directory(), state().init.pid);
  return {};
}

Result<void> Dumping::may_end() {
  if (!dumped_) return fail(ErrorCode::kInternal, "nothing was written that could be sealed");
  const network::HoldRequest hold = hold_request(context_, prepared_);
  std::vector<network::Connection> neighbours;
  if (prepared_.network_lock)
    neighbours = REPRISE_PASS(capture_neighbours(*prepared_.writer, hold));
  dumped_->freeze = dump_.frozen_for().value_or(std::chrono::milliseconds(0));
  sealed_ = REPRISE_PASS(seal_held(*dumped_));
  sealed_->dumped.freeze =
      dump_.frozen_for().value_or(std::chrono::milliseconds(phases_.total_ms()));
  // The seal decides: from here on nothing may let the tasks run on, or they would live twice.
  base::warn_and_ignore(fault_point("after-seal"), "after the seal");
  const bool is_in_pod = oci::pod_container(prepared_.container.spec.annotations).has_value();
  hold_connections(context_.journal(), hold, neighbours,
                   is_in_pod ? Outside::kReset : Outside::kHold);
  base::warn_and_ignore(end_sealed_tasks(state()), "the sealed tasks do not end yet");
  return {};
}

// From before the seal nobody's end lets them run.
Result<Sealed> Dumping::seal_held(const Dumped& dumped) {
  REPRISE_PASS(hold_for_seal(state()));
  phases_.begin("seal");
  Result<image::Manifest> manifest = seal(context_, prepared_, dumped);
  if (manifest) return Sealed{.dumped = dumped, .manifest = std::move(*manifest)};
  // Before CRIU is to let them go, for which it may wait until they take its signals.
  Error error = std::move(manifest).error();
  if (const Result<void> thawed = thaw(context_.layout, context_.request); !thawed)
    error = std::move(error).with_suppressed(thawed.error());
  return std::unexpected(std::move(error));
}

Result<Sealed> Dumping::finish(const Result<engine::DumpStats>& stats) {
  // Whatever the engine said after the seal: the checkpoint stands.
  if (sealed_) return *sealed_;
  if (!stats) return std::unexpected(stats.error());
  if (ends() || !dumped_) return fail(ErrorCode::kInternal, "the engine has skipped its steps");
  dumped_->freeze = stats->frozen;
  dumped_->memory_bytes = stats->memory_bytes;
  phases_.begin("seal");
  image::Manifest manifest = REPRISE_PASS(seal(context_, prepared_, *dumped_));
  return Sealed{.dumped = *dumped_, .manifest = std::move(manifest)};
}

Result<engine::DumpRequest> request_for(const Context& context, const Prepared& prepared) {
  const pid_t init = prepared.container.state.init.pid;
  const auto outside = REPRISE_PASS(attributes::outside_peers("/proc", init));
  return engine::DumpRequest{
      .runtime = context.runtime(),
      .container = context.request.container,
      .cgroup = container::Cgroup(prepared.container.state.cgroup_paths),
      .init = init,
      .watched = prepared.watched,
      .outside = overlay_mounts(prepared.container.spec),
      .after =
          context.request.checkpoint().end ? engine::AfterDump::kEnd : engine::AfterDump::kRunOn,
      .tells_frozen = std::ranges::any_of(outside, attributes::can_be_reconnected),
      .limit = prepared.container.wishes.freeze_limit};
}

}  // namespace

Result<Sealed> dump_and_seal(Context& context, const Prepared& prepared, Phases& phases,
                             FreezeWatch& watch) {
  const Admitted& container = prepared.container;
  REPRISE_TRY(container::mend_joined_namespaces(context.runtime(), context.request.container,
                                                container.state.init.pid),
              "finding the namespaces that the container joined");
  const auto dump = REPRISE_PASS(context.engine->begin(REPRISE_PASS(request_for(context, prepared)),
                                                       prepared.writer->pages()));
  // Again, since somebody may have paused it meanwhile: what is frozen from here on is so by us.
  REPRISE_PASS(refuse_paused(container.state));
  if (container.spec.has_network_namespace)
    REPRISE_PASS(context.journal().write(undo::NetworkLocked()));
  REPRISE_PASS(note_freeze(context.layout, context.request));
  REPRISE_PASS(watch.begin(container.wishes.freeze_limit));
  Dumping dumping(context, prepared, *dump, phases);
  const auto stats = [&]() -> Result<engine::DumpStats> {
    const base::ScopeExit runs_again([&watch] { watch.end(); });
    return dump->freeze_and_write(dumping);
  };
  return dumping.finish(stats());
}

}  // namespace reprise::session
