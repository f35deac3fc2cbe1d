// SPDX-License-Identifier: Apache-2.0
//
// What travels with a checkpoint to a remote: its tag, and the container that it was taken of,
// without which nobody could make that again elsewhere. JSON; docs/format/remote.md.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "catalog/catalog.h"

namespace reprise::operations {

struct RemoteNote {
  std::string tag;  // empty: none
  std::optional<catalog::ContainerRow> container;
};

std::string encode(const RemoteNote& note);

// An empty text is no note: nothing is known. Fields that a later version adds do not matter.
// kCorrupt for what is no note, or names a container and not how it was made.
base::Result<RemoteNote> decode_remote_note(const std::string& text);

}  // namespace reprise::operations
