// SPDX-License-Identifier: Apache-2.0
//
// Whether a session has sealed its checkpoint, as whoever settles it finds out.
#pragma once

#include <optional>

#include "base/id.h"
#include "base/result.h"
#include "host/layout.h"
#include "image/manifest.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// What the session sealed, if it got that far, in the catalog or not. An error says neither.
base::Result<std::optional<image::Manifest>> find_sealed(store::CheckpointStore& store,
                                                         const host::Layout& layout,
                                                         const base::SessionId& session);

// Which checkpoint a session is about to seal, written down before there is one, so that whoever
// settles the session needs to look at no other.
base::Result<void> note_checkpoint(const host::Layout& layout, const base::SessionId& session,
                                   const base::CheckpointId& checkpoint);

}  // namespace reprise::session
