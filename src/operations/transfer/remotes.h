// SPDX-License-Identifier: Apache-2.0
//
// The remotes that a node knows, by name or by URL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "operations/node.h"
#include "remote/object_store.h"

namespace reprise::operations {

struct OpenRemote {
  std::string name;   // as configured; the URL if it is not
  std::string place;  // the same for all names of one place
  std::unique_ptr<remote::ObjectStore> objects;
};

// `wanted`: the name of a section [remote.NAME], or a URL; empty stands for the only one that is
// configured. kNotFound, kInvalidInput (with hints), and as config::access_of and open_remote.
base::Result<OpenRemote> open_named(const Node& node, const std::string& wanted);

// The same, to change what lies there; it must be named. kUnsupported for another node's store.
base::Result<OpenRemote> open_to_change(const Node& node, const std::string& wanted);

// The names under which the catalog may know copies there: sections of the configuration, and the
// URL.
std::vector<std::string> names_of(const Node& node, const OpenRemote& remote);

}  // namespace reprise::operations
