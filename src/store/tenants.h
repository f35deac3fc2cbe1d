// SPDX-License-Identifier: Apache-2.0
//
// Whose parts a store has. Each tenant's checkpoints, packs and index lie in a directory of their
// own, sealed with the tenant's own keys: what is stored for one is never found by another. The
// tenant `default` has what was saved for nobody in particular, and by versions that knew no other.
//
// A store is opened for a tenant (StoreConfig): what a CheckpointStore writes then is that
// tenant's, and what it opens is, too, or may be read by it (readable_tenants()). All else that it
// does is about the whole store, which the node keeps in order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "store/store_config.h"

namespace reprise::store {

using base::Result;

// That of a namespace of Kubernetes, which may be called `default` as well. Pure.
std::string tenant_of_namespace(std::string_view name_space);

// The same store as each of its tenants, `default` first.
Result<std::vector<StoreConfig>> all_tenants(const StoreConfig& config);

// Those whose checkpoints may be read for `config.tenant`: for `default`, which is the node itself,
// all; for others itself, and `default`, where an earlier version kept what is theirs.
Result<std::vector<StoreConfig>> readable_tenants(const StoreConfig& config);

// The one of them that has the checkpoint; `config`, if none does.
Result<StoreConfig> holder_of(const StoreConfig& config, const base::CheckpointId& id);

}  // namespace reprise::store
