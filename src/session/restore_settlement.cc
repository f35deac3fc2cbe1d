// SPDX-License-Identifier: Apache-2.0
#include "session/restore_settlement.h"

#include "base/fault.h"
#include "base/log.h"
#include "engine/engine.h"
#include "host/continuation_note.h"
#include "network/adopted_note.h"
#include "network/network.h"
#include "oci/spec.h"
#include "session/held_tasks.h"
#include "session/network_state.h"
#include "session/overlays.h"
#include "session/pod.h"
#include "session/restore_rootfs.h"
#include "session/volumes.h"
#include "sys/files.h"

namespace reprise::session {

using base::LogLevel;
using base::Result;

namespace {

// An error of the call does not tell whether the claim is still there.
Result<void> consume_claim(Context& context) {
  const Result<void> consumed =
      context.store.catalog.consume_claim(context.key(), context.request.session);
  if (consumed) return {};
  const auto claimed = context.store.catalog.is_claimed_by(context.key(), context.request.session);
  if (claimed && !*claimed) return {};
  return consumed;
}

void settle_network(const oci::Spec& spec, Context& context, store::CheckpointReader& reader) {
  const std::filesystem::path& ns = spec.network_namespace_path;
  if (ns.empty()) return;
  const auto reset = [&]() -> Result<void> {
    const auto adopted =
        REPRISE_PASS(network::adopted_among(ns, REPRISE_PASS(addresses_to_adopt(reader))));
    return network::reset_outside_connections(ns, adopted);
  };
  base::warn_and_ignore(reset(), "outside connections may hang until they time out");
  settle_neighbours(context, reader, ns);
  const auto release = [&]() -> Result<void> {
    const auto addresses = REPRISE_PASS(addresses_to_adopt(reader));
    REPRISE_PASS(network::release_unused(ns, addresses));
    return network::note_adopted(network::adopted_note_of(context.network_baseline()), ns,
                                 REPRISE_PASS(network::adopted_among(ns, addresses)));
  };
  base::warn_and_ignore(release(), "the container may not reach who has its old address");
  base::warn_and_ignore(settle_network_state(reader, ns), "a setting of the network is lost");
  if (const Result<void> done = network::unblock_outside(ns); !done)
    base::log(LogLevel::kError, "the container cannot be reached from outside",
              {{"error", done.error().message()}});
}

Result<void> mark_restored(const Context& context) {
  return sys::replace_file(context.layout.restored_marker_of(context.who()), "");
}

}  // namespace

Result<void> let_go(const oci::Spec& spec, Context& context, store::CheckpointReader& reader) {
  REPRISE_TRY(base::fault_point("claim-held"), "consuming the claim");
  // For whoever finds it running without having heard of it.
  REPRISE_TRY(mark_restored(context), "marking the container as restored");
  REPRISE_TRY(consume_claim(context), "consuming the claim");
  base::warn_and_ignore(base::fault_point("claim-consumed"), "the claim is consumed");
  finish_letting_go(spec, context, reader);
  return {};
}

void finish_letting_go(const oci::Spec& spec, Context& context, store::CheckpointReader& reader) {
  settle_network(spec, context, reader);
  if (const Result<void> thawed = thaw_restored(context); !thawed)
    base::log(LogLevel::kError, "the container stands still",
              {{"error", thawed.error().details()}});
  base::warn_and_ignore(base::fault_point("tasks-let-go"), "the tasks run");
}

void settle_restored(const Context& context) {
  base::warn_and_ignore(context.engine->put_limits_back(), "the limit of processes stays lifted");
  keep_rootfs(context);
  base::warn_and_ignore(unmount_overlays(context), "an overlay stays mounted on the host");
  const std::string& bundle = context.request.restore().bundle;
  base::warn_and_ignore(host::remove_note(bundle),
                        "the container's directory still tells of the checkpoint");
  const auto settle = [&]() -> Result<void> {
    const auto spec = REPRISE_PASS(oci::load_spec(bundle));
    return settle_volumes(spec, bundle, context.request.session);
  };
  base::warn_and_ignore(settle(), "what the volumes held before is not removed");
}

}  // namespace reprise::session
