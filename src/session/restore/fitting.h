// SPDX-License-Identifier: Apache-2.0
//
// Second state of a restore: the checkpoint is open, and this container can go on from it. Its
// network is closed to the outside; nothing else of it was touched.
#pragma once

#include <memory>

#include "base/result.h"
#include "session/context.h"
#include "session/restore/requested.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

struct Fitting {
  std::unique_ptr<store::CheckpointReader> reader;
};
// kUnsupported, with a hint, if the container is another than the checkpoint's: it runs another
// command, lacks a mount, or may have less memory than was saved.
base::Result<Fitting> open_fitting(const Context& context, const Requested& requested);

}  // namespace reprise::session
