// SPDX-License-Identifier: Apache-2.0
#include "session/restore_settlement.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/fault.h"
#include "base/log.h"
#include "engine/engine.h"
#include "host/continuation_note.h"
#include "network/adopted_note.h"
#include "network/network.h"
#include "session/held_tasks.h"
#include "session/network_state.h"
#include "session/overlays.h"
#include "session/pod.h"
#include "session/restore_rootfs.h"
#include "session/undo/journal.h"
#include "session/undo/older_session.h"
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
  const auto fate = context.store.catalog.fate_of_claim(context.key(), context.request.session);
  if (fate && *fate == catalog::ClaimFate::kConsumed) return {};
  return consumed;
}

void settle_network(Context& context, store::CheckpointReader& reader,
                    const std::filesystem::path& ns) {
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

// By its journal; of a version that kept none, all that it may have done.
Result<std::vector<undo::Step>> steps_done(const Context& context) {
  if (auto noted = REPRISE_PASS(context.journal().load())) return *std::move(noted);
  undo::Owed owed = undo::owed_by_older(context);
  REPRISE_PASS(std::move(owed.complete));
  return std::move(owed.steps);
}

// What volumes held before. A pod's have it in them, where its programs would see it.
enum class Aside : std::uint8_t { kInVolumes, kAll };
Result<void> remove_put_aside(const Context& context, Aside which) {
  Result<void> first{};
  for (const undo::Step& step : REPRISE_PASS(steps_done(context))) {
    std::optional<std::filesystem::path> aside;
    const auto* volume = std::get_if<undo::VolumePutAside>(&step);
    if (volume != nullptr && which == Aside::kAll) aside = volume->aside;
    if (const auto* shared = std::get_if<undo::SharedFilled>(&step)) aside = shared->aside;
    if (!aside) continue;
    if (auto removed = sys::remove_tree(*aside); !removed && first) first = std::move(removed);
  }
  return first;
}

void let_run(Context& context, store::CheckpointReader& reader,
             const std::filesystem::path& network) {
  settle_network(context, reader, network);
  base::warn_and_ignore(remove_put_aside(context, Aside::kInVolumes),
                        "what the volumes held before is not removed");
  if (const Result<void> thawed = thaw_restored(context); !thawed)
    base::log(LogLevel::kError, "the container stands still",
              {{"error", thawed.error().details()}});
  base::warn_and_ignore(base::fault_point("tasks-let-go"), "the tasks run");
}

}  // namespace

Result<void> let_go(Context& context, store::CheckpointReader& reader,
                    const std::filesystem::path& network) {
  REPRISE_TRY(base::fault_point("claim-held"), "consuming the claim");
  // For whoever finds it running without having heard of it.
  REPRISE_TRY(mark_restored(context), "marking the container as restored");
  REPRISE_TRY(consume_claim(context), "consuming the claim");
  base::warn_and_ignore(base::fault_point("claim-consumed"), "the claim is consumed");
  let_run(context, reader, network);
  return {};
}

Result<void> finish_letting_go(Context& context) {
  std::filesystem::path network;
  for (const undo::Step& step : REPRISE_PASS(steps_done(context)))
    if (const auto* blocked = std::get_if<undo::NetworkBlocked>(&step)) network = blocked->network;
  const auto reader =
      REPRISE_PASS(context.store.checkpoints->open(context.request.restore().checkpoint));
  let_run(context, *reader, network);
  return {};
}

void settle_restored(const Context& context) {
  base::warn_and_ignore(context.engine->put_limits_back(), "the limit of processes stays lifted");
  keep_rootfs(context);
  base::warn_and_ignore(unmount_overlays(context), "an overlay stays mounted on the host");
  base::warn_and_ignore(host::remove_note(context.request.restore().bundle),
                        "the container's directory still tells of the checkpoint");
  base::warn_and_ignore(remove_put_aside(context, Aside::kAll),
                        "what the volumes held before is not removed");
}

}  // namespace reprise::session
