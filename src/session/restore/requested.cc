// SPDX-License-Identifier: Apache-2.0
#include "session/restore/requested.h"

#include "base/fault.h"
#include "network/neighbours.h"

namespace reprise::session {

using base::Result;

Result<Requested> load_requested(const Context& context) {
  REPRISE_PASS(base::fault_point("restore-prepare"));
  Requested requested;
  requested.spec = REPRISE_PASS(oci::load_spec(context.request.restore().bundle));
  requested.wishes = REPRISE_PASS(oci::parse_wishes(requested.spec.annotations));
  if (const auto& ns = requested.spec.network_namespace_path; !ns.empty())
    requested.network_lock = REPRISE_PASS(network::lock_network(ns, {}, kRestoreLimit));
  return requested;
}

}  // namespace reprise::session
