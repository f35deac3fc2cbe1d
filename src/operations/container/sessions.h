// SPDX-License-Identifier: Apache-2.0
//
// What became of a container that Podman was told to stop or start: read from the catalog, where
// the worker wrote it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "catalog/catalog.h"

namespace reprise::operations {

using base::Result;

// The newest session of this kind on `key` that began at `since` or later.
Result<std::optional<catalog::SessionRow>> session_since(catalog::Catalog& catalog,
                                                         const base::ContainerKey& key,
                                                         catalog::SessionKind kind,
                                                         base::UnixMillis since);

// The same, once the session has ended: Podman returns a moment before the worker has written the
// outcome. Polls up to `patience`; then the session is returned as it is, "running".
Result<std::optional<catalog::SessionRow>> finished_session_since(
    catalog::Catalog& catalog, const base::ContainerKey& key, catalog::SessionKind kind,
    base::UnixMillis since, std::chrono::milliseconds patience);

// The newest event of this kind on `key` at `since` or later.
Result<std::optional<catalog::LifeRow>> life_event_since(catalog::Catalog& catalog,
                                                         const base::ContainerKey& key,
                                                         catalog::LifeEvent event,
                                                         base::UnixMillis since);

// Why a session did not do what it was for, for people. Never empty.
std::string failure_of(const catalog::SessionRow& session);

// What the next steps can be for whoever reads `failure_of`: the session's hint, or its log.
std::string hint_for(const catalog::SessionRow& session);

}  // namespace reprise::operations
