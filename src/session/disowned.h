// SPDX-License-Identifier: Apache-2.0
//
// A container that runs on though what was sealed of it could go on as well.
#pragma once

#include "catalog/catalog.h"
#include "host/layout.h"
#include "host/request.h"

namespace reprise::session {

// Its tasks run, or are about to, though what was sealed may go on: from now on nothing older is
// gone on from by itself. Noted in the bundle first, since the catalog (null: not asked) may be
// what cannot be reached. Logs what cannot be noted.
void disown(const host::Layout& layout, const host::WorkerRequest& request,
            catalog::Catalog* catalog);

}  // namespace reprise::session
