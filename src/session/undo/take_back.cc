// SPDX-License-Identifier: Apache-2.0
#include "session/undo/take_back.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "container/cgroup.h"
#include "container/file_tree.h"
#include "container/joined_namespaces.h"
#include "container/pod_volumes.h"
#include "container/refilled_directory.h"
#include "container/shared_memory.h"
#include "engine/engine.h"
#include "host/continuation_note.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/freeze.h"
#include "session/held_tasks.h"
#include "session/network_state.h"
#include "session/overlays.h"
#include "session/promised_signal.h"
#include "session/restore_rootfs.h"
#include "session/undo/journal.h"
#include "session/undo/older_session.h"
#include "session/unix_peers.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::session::undo {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// nullopt if it is gone, with all that was done to it.
Result<std::optional<oci::State>> container_of(const Context& context) {
  auto state = context.runtime().state_of(context.request.container);
  if (!state && state.error().code() == ErrorCode::kNotFound) return std::nullopt;
  return REPRISE_PASS(std::move(state));
}

// A namespace that is gone took with it what was done in it.
template <typename Do>
Result<void> in_network(const path& network, Do act) {
  if (!REPRISE_PASS(sys::exists(network))) return {};
  return act(network);
}

// How each is taken back, in the order of step.h.
Result<void> take(const Unknown& step, const Context& /*context*/) {
  return base::fail(ErrorCode::kUnsupported, "another version of Reprise did '" + name_of(step) +
                                                 "', which this one does not know");
}

Result<void> take(const SignalPromised& /*step*/, const Context& context) {
  const auto state = REPRISE_PASS(container_of(context));
  if (!state || !sys::is_alive(state->init)) return {};
  return deliver_signal(context.layout, context.request);
}

Result<void> take(const StoreBegun& /*step*/, const Context& context) {
  REPRISE_PASS(context.store.checkpoints->sweep());
  return {};
}

Result<void> take(const ContinuationNoted& /*step*/, const Context& context) {
  const auto state = REPRISE_PASS(container_of(context));
  return state ? host::remove_note_of(state->bundle, context.request.session) : Result<void>();
}

Result<void> take(const NetworkLocked& /*step*/, const Context& context) {
  const auto state = REPRISE_PASS(container_of(context));
  if (!state) return {};
  const auto spec = REPRISE_PASS(oci::load_spec(state->bundle));
  if (!spec.has_network_namespace) return {};
  return in_network(container::network_of(spec, *state), [](const path& network) -> Result<void> {
    REPRISE_PASS(network::remove_criu_locks(network));
    return {};
  });
}

Result<void> take(const Frozen& /*step*/, const Context& context) {
  return thaw(context.layout, context.request);
}

Result<void> take(const PeersDisconnected& /*step*/, const Context& context) {
  const auto state = REPRISE_PASS(container_of(context));
  if (state) reconnect_unix_peers(context.directory(), state->init.pid);
  return {};
}

Result<void> take(const NeighboursHeld& step, const Context& context) {
  if (step.network)
    return in_network(*step.network,
                      [&](const path& there) { return network::drop_hold(context.key(), there); });
  const auto state = REPRISE_PASS(container_of(context));
  if (!state) return {};
  const path network = REPRISE_PASS(oci::load_spec(state->bundle)).network_namespace_path;
  if (network.empty()) return {};
  return in_network(
      network, [&](const path& there) { return network::lift_neighbours(context.key(), there); });
}

Result<void> take(const ConnectionsHeld& /*step*/, const Context& context) {
  return network::lift_hold(context.key());
}

// CRIU makes the lock of the dump anew for a restore, and leaves it behind one that fails: nobody
// in a pod could talk any more.
Result<void> take(const NetworkBlocked& step, const Context& /*context*/) {
  return in_network(step.network, [](const path& network) -> Result<void> {
    Result<void> first = network::unblock_outside(network);
    const Result<int> removed = network::remove_criu_locks(network);
    if (first && !removed) first = std::unexpected(removed.error());
    return first;
  });
}

Result<void> take(const RootfsExchanged& /*step*/, const Context& context) {
  return undo_rootfs(context);
}

Result<void> take(const SharedMemoryFilled& step, const Context& /*context*/) {
  if (!REPRISE_PASS(sys::exists(step.directory))) return {};
  return container::empty_directory(step.directory);
}

Result<void> take(const VolumePutAside& step, const Context& /*context*/) {
  return container::put_contents_back(step.directory, step.aside);
}

// What is in the volume stays: SharedFilled tells what becomes of that.
Result<void> take(const VolumeFilling& step, const Context& /*context*/) {
  return sys::remove_tree(step.contents);
}

// Sources of its mounts; without them there is no container any more.
Result<container::Inodes> mounted_in(const path& bundle) {
  if (!REPRISE_PASS(sys::exists(bundle / "config.json"))) return container::Inodes();
  return container::mounted_inodes(REPRISE_PASS(oci::load_spec(bundle)));
}

// The next attempt fills it anew, or the container begins anew with what a new pod has.
Result<void> take(const SharedFilled& step, const Context& context) {
  if (!REPRISE_PASS(sys::exists(step.directory))) return {};
  if (!REPRISE_PASS(container::is_filled_for(step.directory, context.request.session.str())))
    return step.aside ? sys::remove_tree(*step.aside) : Result<void>();
  if (step.aside)
    REPRISE_PASS(container::bring_back(step.directory, *step.aside,
                                       REPRISE_PASS(mounted_in(context.request.restore().bundle))));
  else
    REPRISE_PASS(container::empty_directory(step.directory));
  REPRISE_PASS(container::remove_memory_mark(step.directory));
  REPRISE_PASS(container::unmark_filled(step.directory));
  return container::forget_filler(step.directory);
}

Result<void> take(const OverlaysMounted& /*step*/, const Context& context) {
  return unmount_overlays(context);
}

Result<void> take(const NetworkChanged& step, const Context& context) {
  return in_network(step.network,
                    [&](const path& there) { return undo_network_state(context, there); });
}

Result<void> take(const AddressesAdopted& step, const Context& /*context*/) {
  return in_network(step.network, [&](const path& there) {
    return network::release_addresses(there, step.addresses);
  });
}

// CRIU first: it may be about to let the tasks go. But not before peers are kept from hearing of
// it, since CRIU ends them.
Result<void> take(const TasksHeld& /*step*/, const Context& context) {
  silence_tasks(context);
  Result<void> first = context.engine->end(engine::Verdict::kAbort, {});
  const Result<void> ended = end_held_tasks(context);
  return first ? ended : first;
}

// What was restored, and the container itself: where the wrapper was killed, what it started is
// nobody's.
Result<void> take(const RestoreBegun& /*step*/, const Context& context) {
  Result<void> first = take(TasksHeld(), context);
  const Result<void> removed =
      context.engine->remove_restored(context.runtime(), context.request.container);
  return first ? removed : first;
}

Result<void> take_one(const Step& step, const Context& context) {
  const auto known = [&context](const auto& one) { return take(one, context); };
  REPRISE_TRY(std::visit(known, step), "taking '" + name_of(step) + "' back");
  return base::fault_point("undone-" + name_of(step));
}

using Noted = Result<std::optional<std::vector<Step>>>;

// Not one that is broken.
bool may_become_readable(const Noted& noted) {
  return !noted && noted.error().code() != ErrorCode::kCorrupt;
}

// Where the journal does not tell, everything may have been done.
Owed owed_by(const Context& context, const Noted& noted) {
  if (noted && *noted) return {.steps = **noted};
  Owed owed = noted ? owed_by_older(context) : owed_at_most(context);
  if (!noted) owed.complete = std::unexpected(noted.error());
  // So that it is settled like any other from here on, whoever is killed.
  if (!may_become_readable(noted)) static_cast<void>(context.journal().replace(owed.steps));
  return owed;
}

// For people. Success also if nothing is left.
Result<void> set_aside(const Context& context, const std::vector<Step>& left) {
  const path place = context.layout.run / "set-aside";
  const path file = place / (context.request.session.str() + ".undo.json");
  if (left.empty()) return sys::remove_tree(file);
  REPRISE_PASS(sys::make_directories(place));
  return sys::replace_file(file, encode(left));
}

Error with_place(Error error, const Context& context) {
  if (!error.hint().empty()) return error;
  const path place = context.layout.run / "set-aside";
  return std::move(error).with_hint("what is left to be undone is written in '" + place.string() +
                                    "'");
}

// What is left, as far as there is a place for it: not after a host went down.
Result<void> keep(const Context& context, const std::vector<Step>& left) {
  if (!sys::exists(context.layout.session_run_directory(context.request.session)).value_or(true))
    return {};
  REPRISE_PASS(context.journal().replace(left));
  return set_aside(context, left);
}

}  // namespace

Result<void> take_back(const Context& context) {
  const auto noted = context.journal().load();
  auto [steps, first] = owed_by(context, noted);
  std::vector<Step> left;
  for (const Step& step : std::views::reverse(steps)) {
    Result<void> taken = take_one(step, context);
    if (taken) continue;
    left.push_back(step);
    if (first) first = std::unexpected(with_place(std::move(taken).error(), context));
  }
  if (may_become_readable(noted)) return first;
  std::ranges::reverse(left);
  const Result<void> kept = keep(context, left);
  return first ? kept : first;
}

}  // namespace reprise::session::undo
