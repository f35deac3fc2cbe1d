// SPDX-License-Identifier: Apache-2.0
//
// One try at taking a container up from its checkpoint. create.cc decides how often, and what
// becomes of the container if none succeeds.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "host/identity.h"
#include "oci/annotations.h"
#include "oci/cri.h"
#include "oci/spec.h"
#include "runtime/call.h"
#include "sys/file_lock.h"

namespace reprise::runtime {

// What `create` is asked to make.
struct Creation {
  host::Identity who;
  std::string bundle;
  oci::Wishes wishes;
  std::map<std::string, std::string> annotations;
  std::string cold_because;  // why it does not go on from the checkpoint of its key
  // A container of a pod that may begin anew beside another that went on: the agent said so.
  bool may_begin_beside = false;
  std::string network_namespace;         // empty: made by runc, or the host's
  pid_t network_keeper = 0;              // see oci::network_keeper
  std::optional<oci::PodContainer> pod;  // of the CRI's runtimes

  [[nodiscard]] const base::ContainerKey& key() const { return who.key; }
};

// One attempt, by one session, which holds the claim. After success the claim is consumed; after a
// failure nothing of the attempt is left.
struct Attempt {
  const Call& call;
  const Creation& creation;
  catalog::Catalog& catalog;
  base::SessionId session;
  base::CheckpointId checkpoint;
};

// Has a worker prepare the restore and runs `runc restore` as our child; `lock` is the container's,
// and is passed on to the worker. Blocks until the container runs. After an error clean_up() is to
// follow. kGone if the worker was killed; else as the session says.
base::Result<void> restore(const Attempt& attempt, const sys::FileLock& lock);

// Removes what a runc that was killed while it wrote the call's --pid-file has left of it. The
// container's lock is to be held, so that no other runc is writing it.
base::Result<void> remove_unfinished_pid_file(const Call& call);

// After a failed restore: runc's leftovers of the id are gone, so that it can be created again.
base::Result<void> clean_up(const Call& call, const Creation& creation);

}  // namespace reprise::runtime
