// SPDX-License-Identifier: Apache-2.0
//
// Fourth state of a restore: the wrapper knows what to run, and may do so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "network/network.h"
#include "oci/spec.h"
#include "session/context.h"
#include "session/filling.h"
#include "session/restore/furnished.h"
#include "session/restore/requested.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

struct Planned {
  std::unique_ptr<store::CheckpointReader> reader;
  std::unique_ptr<engine::Restore> restore;
  std::optional<PagerLink> pager;  // where memory comes after the container runs
  std::vector<std::string> lost;   // what the container does not get back, in words for people
};
// Sets up the network where there is one already, and tells the wrapper.
base::Result<Planned> plan_restore(Context& context, const Requested& requested,
                                   Furnished furnished, Phases& phases);

// What programs set up in a network that is there by now, their container's or the engine's. Adds
// to `lost` what this host did not take.
base::Result<void> set_up_network(const Context& context, const oci::Spec& spec,
                                  const network::NetworkNamespace& ns, Planned& planned);

}  // namespace reprise::session
