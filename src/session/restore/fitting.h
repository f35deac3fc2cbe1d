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
// command, lacks a mount, or may have less memory than was saved; or if this CPU lacks instructions
// that its programs could use. As misfit().
base::Result<Fitting> open_fitting(const Context& context, const Requested& requested);

// An error that says that a container is another than the checkpoint's. In a pod nobody makes it
// the same again, so it is kInvalidInput there: it is to begin anew.
base::Error misfit(base::Error error, const oci::Spec& spec);

}  // namespace reprise::session
