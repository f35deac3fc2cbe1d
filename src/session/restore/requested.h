// SPDX-License-Identifier: Apache-2.0
//
// First state of a restore: it is known what container is asked for, and no other session works in
// its network. Nothing was touched.
#pragma once

#include <optional>

#include "base/result.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "session/context.h"
#include "sys/file_lock.h"

namespace reprise::session {

// The later states are made for it, and do not consume it.
struct Requested {
  oci::Spec spec;
  oci::Wishes wishes;
  // If others live in the network namespace. To be held until the session has its outcome: what is
  // taken back of a restore may be another's who restores at the same time.
  std::optional<sys::FileLock> network_lock;
};
// Blocks while another container of the same network namespace is dumped or restored.
base::Result<Requested> load_requested(const Context& context);

}  // namespace reprise::session
