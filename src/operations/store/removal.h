// SPDX-License-Identifier: Apache-2.0
//
// Removing checkpoints that somebody names, here or at a remote.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/id.h"
#include "base/result.h"
#include "operations/node.h"
#include "operations/transfer/remotes.h"
#include "store/checkpoint_store.h"

namespace reprise::operations {

// From the store of this node. Copies at remotes stay.
class Removal {
 public:
  static base::Result<Removal> begin(const Node& node);

  struct Removed {
    base::CheckpointId id;
    std::string continued_by;  // the container that would have gone on from it; empty: none
  };
  // By id, unique beginning of one, or tag. A container that would have continued from it starts
  // cold.
  base::Result<Removed> remove(const std::string& checkpoint);
  // Frees what nobody needs any more. Pages that others share stay; what runs now may keep the rest
  // for a while.
  base::Result<store::Collected> free_space();

 private:
  Removal(const Node& node, std::unique_ptr<store::CheckpointStore> checkpoints)
      : node_(node), checkpoints_(std::move(checkpoints)) {}
  const Node& node_;
  std::unique_ptr<store::CheckpointStore> checkpoints_;
};

// From a remote. The checkpoint stays here.
class RemoteRemoval {
 public:
  // Errors as open_to_change().
  static base::Result<RemoteRemoval> begin(const Node& node, const std::string& remote);

  struct Removed {
    base::CheckpointId id;
    bool was_there = false;
    bool stays_away = false;  // checkpoints go there on their own, but this one only by a push
  };
  // By its tag here, else by what it is called there.
  base::Result<Removed> remove(const std::string& checkpoint);
  [[nodiscard]] const std::string& remote() const { return remote_.name; }

 private:
  RemoteRemoval(const Node& node, OpenRemote remote) : node_(node), remote_(std::move(remote)) {}
  const Node& node_;
  OpenRemote remote_;
};

}  // namespace reprise::operations
