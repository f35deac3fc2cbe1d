// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that are on their way between programs when a container is dumped.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace reprise::engine {

// Puts the unread messages among CRIU's images in `spool` into an order that CRIU can restore
// (image/criu_flight.h). CRIU must have finished writing. kUnsupported, with nothing changed, where
// there is none: it may be over in a moment.
base::Result<void> order_flight(const std::filesystem::path& spool);

}  // namespace reprise::engine
