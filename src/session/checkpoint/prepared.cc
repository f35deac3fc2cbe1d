// SPDX-License-Identifier: Apache-2.0
#include "session/checkpoint/prepared.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "container/cgroup.h"
#include "container/exec_sessions.h"
#include "container/inotify_watches.h"
#include "container/joined_namespaces.h"
#include "container/task_tree.h"
#include "host/continuation_note.h"
#include "image/part_names.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "preflight/cpu_features.h"
#include "preflight/network_obstacles.h"
#include "session/network_state.h"
#include "session/parts.h"
#include "session/sealed.h"
#include "sys/files.h"

namespace reprise::session {

using base::LogLevel;
using base::Result;

namespace {

// They end with the container, and their connections to it would keep it from being saved. Last of
// all that is done before the dump, when nothing is known that speaks against it.
Result<void> settle_executed(const Context& context, pid_t init) {
  constexpr std::chrono::milliseconds kPatience{500};
  if (!context.request.checkpoint().end)
    return refuse(preflight::examine_executed(context.proc, init));
  container::end_executed_processes("/proc", init, kPatience);
  return {};
}

// Before the tasks stand still: it costs two syncs. Without it the checkpoint is as good, but a
// start that does not find the store would be cold.
void note_continuation(const Context& context, const std::string& bundle,
                       const base::CheckpointId& checkpoint) {
  if (!context.request.checkpoint().end) return;
  const auto note = [&]() -> Result<void> {
    REPRISE_PASS(context.journal().write(undo::ContinuationNoted()));
    return host::write_note(bundle, {.time = base::now_unix_millis(),
                                     .checkpoint = checkpoint,
                                     .session = context.request.session,
                                     .store = context.layout.store});
  };
  base::warn_and_ignore(note(), "the container's directory does not tell that it has a checkpoint");
}

Result<std::unique_ptr<store::CheckpointWriter>> begin_writing(const Context& context,
                                                               const Admitted& container) {
  REPRISE_PASS(context.journal().write(undo::StoreBegun()));
  // Whatever an earlier writer left that died: its space may be what we need now.
  REPRISE_PASS(context.store.checkpoints->sweep());
  // Of what is large CRIU writes only those of a tmpfs into files.
  const auto in_files = container::Cgroup(container.state.cgroup_paths).shared_memory_bytes();
  auto writer =
      REPRISE_TRY(context.store.checkpoints->begin(
                      {.in_files = in_files.value_or(store::CheckpointStore::kUnknownSize),
                       .waiting = context.request.checkpoint().end}),
                  "preparing the store");
  REPRISE_PASS(note_checkpoint(context.layout, context.request.session, writer->id()));
  note_continuation(context, container.state.bundle, writer->id());
  // Both hold what people gave as environment and arguments.
  REPRISE_PASS(writer->keep_part(image::kCommandPart, oci::command_line(container.spec)));
  const auto config = REPRISE_PASS(sys::read_file(container.state.bundle + "/config.json"));
  REPRISE_PASS(writer->keep_part(image::kSpecPart, config));
  const auto features = preflight::cpu_features(sys::read_file("/proc/cpuinfo").value_or(""));
  if (!features.empty()) REPRISE_PASS(writer->keep_part(image::kCpuPart, features));
  return writer;
}

void ask_tasks(pid_t init, Prepared& prepared) {
  prepared.watched = container::find_inodes("/proc/" + std::to_string(init) + "/root",
                                            container::watches_of("/proc", init));
  prepared.asked = attributes::ask_attributes("/proc", init);
  for (const std::string& doubt : prepared.asked.doubts)
    base::log(LogLevel::kWarn, "may come back without what it has denied itself",
              {{"what", "memory that is writable and executable"}, {"reason", doubt}});
}

}  // namespace

Result<Prepared> prepare(const Context& context, Admitted container) {
  Prepared prepared;
  prepared.container = std::move(container);
  const oci::Spec& spec = prepared.container.spec;
  const oci::State& state = prepared.container.state;
  prepared.writer = REPRISE_PASS(begin_writing(context, prepared.container));
  prepared.runtime_version = context.runtime().version();
  prepared.engine_version = REPRISE_PASS(context.engine->version());
  ask_tasks(state.init.pid, prepared);
  if (spec.has_network_namespace) {
    const std::filesystem::path ns = container::network_of(spec, state);
    prepared.addresses = REPRISE_PASS(network::addresses(ns));
    REPRISE_PASS(capture_network_state(context, *prepared.writer, spec, ns));
  }
  // Two members of a pod are dumped one after the other. The container runs while it waits, at most
  // as long as the other one may stand still.
  if (!spec.network_namespace_path.empty())
    prepared.network_lock = REPRISE_PASS(network::lock_network(
        spec.network_namespace_path, container::processes_of("/proc", state.init.pid),
        prepared.container.wishes.freeze_limit));
  REPRISE_PASS(base::fault_point("before-dump"));
  REPRISE_PASS(settle_executed(context, state.init.pid));
  return prepared;
}

network::HoldRequest hold_request(const Context& context, const Prepared& prepared) {
  return {.container = context.key(),
          .init = prepared.container.state.init.pid,
          .network = prepared.container.spec.network_namespace_path,
          .own = prepared.addresses};
}

}  // namespace reprise::session
