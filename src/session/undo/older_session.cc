// SPDX-License-Identifier: Apache-2.0
#include "session/undo/older_session.h"

#include <optional>

#include "container/volumes.h"
#include "oci/spec.h"
#include "session/network_state.h"
#include "session/sealed.h"
#include "session/volumes.h"
#include "sys/exists.h"

namespace reprise::session::undo {

namespace {

Owed owed_by_checkpoint(const Context& context) {
  Owed owed;
  std::vector<Step>& steps = owed.steps;
  if (context.request.checkpoint().signal != 0) steps.emplace_back(SignalPromised());
  for (const Step& step : {Step(StoreBegun()), Step(ContinuationNoted()), Step(NetworkLocked()),
                           Step(Frozen()), Step(PeersDisconnected())})
    steps.push_back(step);
  // Nobody holds connections before the seal.
  const auto sealed =
      find_sealed(*context.store.checkpoints, context.layout, context.request.session);
  if (sealed && !*sealed) return owed;
  steps.emplace_back(NeighboursHeld{.network = {}});
  steps.emplace_back(ConnectionsHeld());
  return owed;
}

void add_network(const path& network, const Context& context, std::vector<Step>& steps) {
  steps.emplace_back(NetworkChanged{{.network = network}});
  // Those of a checkpoint that is gone were adopted by nobody.
  const auto reader = context.store.checkpoints->open(context.request.restore().checkpoint);
  const auto adopted = reader ? addresses_to_adopt(**reader) : std::unexpected(reader.error());
  if (adopted) steps.emplace_back(AddressesAdopted{.network = network, .addresses = *adopted});
}

Owed owed_by_restore(const Context& context) {
  const path bundle = context.request.restore().bundle;
  const auto spec = oci::load_spec(bundle);
  Owed owed;
  if (!spec) owed.complete = std::unexpected(spec.error());
  std::vector<Step>& steps = owed.steps;
  const path network = spec ? path(spec->network_namespace_path) : path();
  if (!network.empty()) {
    steps.emplace_back(NetworkBlocked{{.network = network}});
    steps.emplace_back(ConnectionsHeld());
  }
  steps.emplace_back(RootfsExchanged());
  if (const auto shm = spec ? oci::shm_directory(*spec) : std::nullopt)
    steps.emplace_back(SharedMemoryFilled{.directory = *shm});
  if (spec)
    for (const container::Volume& volume : container::podman_volumes(*spec, bundle))
      steps.emplace_back(VolumePutAside{.directory = volume.directory,
                                        .aside = aside_of(volume, context.request.session)});
  steps.emplace_back(OverlaysMounted());
  if (!network.empty()) add_network(network, context, steps);
  steps.emplace_back(RestoreBegun());
  return owed;
}

// Whether an earlier version left this note; also where that is not known.
bool may_have_noted(const Context& context, const char* name) {
  const path notes = context.layout.session_run_directory(context.request.session);
  return sys::exists(notes / name).value_or(true);
}

}  // namespace

Owed owed_at_most(const Context& context) {
  return context.request.is_restore() ? owed_by_restore(context) : owed_by_checkpoint(context);
}

Owed owed_by_older(const Context& context) {
  Owed owed = owed_at_most(context);
  const path notes = context.layout.session_run_directory(context.request.session);
  std::erase_if(owed.steps, [&](const Step& step) {
    if (std::holds_alternative<Frozen>(step)) return !may_have_noted(context, "freezes");
    if (std::holds_alternative<RestoreBegun>(step)) return !may_have_noted(context, "ready");
    if (std::holds_alternative<SignalPromised>(step))
      return sys::exists(notes / "signal-delivered").value_or(false);
    return false;
  });
  return owed;
}

}  // namespace reprise::session::undo
