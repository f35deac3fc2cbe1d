// SPDX-License-Identifier: Apache-2.0
//
// Where the blocks of a checkpoint are to lie at a remote. Packs of which most is needed go as they
// are, so that later checkpoints find them; of others the blocks that are needed go alone, in packs
// made for them, unless a checkpoint there has them already.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pages/contents.h"
#include "remote/object_store.h"
#include "store/open_store.h"

namespace reprise::transfer {

using base::Result;
using std::filesystem::path;

struct PushPlan {
  std::vector<pages::BlockPlace> places;  // there, of all blocks in their order
  std::map<std::string, path> files;      // packs that must be there, and what they are here
  std::set<std::string> there;            // packs that are there, and not here
};

// Makes new packs, if there are any, in the empty directory that `scratch` makes. Those of the same
// blocks have the same name and contents, so that a push that was cut off goes on with them.
// kNotFound if a pack was rewritten meanwhile; kCorrupt if one is damaged.
Result<PushPlan> plan_push(const store::OpenStore& store, const pages::Contents& contents,
                           remote::ObjectStore& to, const std::function<Result<path>()>& scratch);

}  // namespace reprise::transfer
