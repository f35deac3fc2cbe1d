// SPDX-License-Identifier: Apache-2.0
#include "session/restored_tasks.h"

#include "base/log.h"
#include "container/affinity.h"
#include "engine/engine.h"
#include "image/part_names.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "session/unix_peers.h"
#include "sys/files.h"
#include "sys/namespaces.h"

namespace reprise::session {

using base::Result;

namespace {

Result<void> restore_affinity(store::CheckpointReader& reader, pid_t init) {
  const auto part = REPRISE_PASS(reader.find_part(image::kAffinityPart));
  if (!part) return {};
  const std::string text = REPRISE_PASS(sys::read_file(*part));
  const auto threads = REPRISE_PASS(container::decode_affinity(text));
  // Other resources than before are no reason to refuse: who asked for two CPUs gets two CPUs.
  base::warn_and_ignore(container::pin_threads("/proc", init, threads),
                        "CPU affinity not restored");
  return {};
}

// Whether the host name that was saved is one that the program set itself.
Result<bool> has_set_host_name(store::CheckpointReader& reader, pid_t init) {
  const auto part = REPRISE_PASS(reader.find_part(image::kSpecPart));
  if (!part) return false;
  const std::string text = REPRISE_PASS(sys::read_file(*part));
  const oci::Spec created = REPRISE_PASS(oci::parse_spec(text, ""));
  return REPRISE_PASS(sys::host_name_of(init)) != created.host_name;
}

// CRIU restores the host name of the container that was checkpointed; a clone has its own.
Result<void> set_host_name(store::CheckpointReader& reader, const oci::Spec& spec,
                           const Context& context, pid_t init) {
  const bool clone = reader.manifest().container != context.request.container;
  if (!clone || !spec.has_uts_namespace || spec.host_name.empty()) return {};
  if (REPRISE_PASS(has_set_host_name(reader, init))) return {};
  return sys::set_host_name_of(init, spec.host_name);
}

}  // namespace

Result<void> complete_tasks(store::CheckpointReader& reader, const oci::Spec& spec,
                            const Context& context, engine::Restore& restore, pid_t init) {
  if (init <= 0) return base::fail(base::ErrorCode::kInternal, "CRIU did not tell the first task");
  REPRISE_TRY(restore_affinity(reader, init), "restoring CPU affinity");
  REPRISE_TRY(restore.restart_timers(init), "restarting timers");
  restore_unix_peers(reader, init);
  REPRISE_TRY(set_host_name(reader, spec, context, init), "setting the host name");
  return {};
}

}  // namespace reprise::session
