// SPDX-License-Identifier: Apache-2.0
//
// One node, as its operations see it: all that they were told from outside.
#pragma once

#include <string>

#include "config/config.h"
#include "host/layout.h"
#include "store/store_config.h"

namespace reprise::operations {

struct Node {
  host::Layout layout;
  store::StoreConfig store;
  config::Config config;
  // Reprise's OCI runtime as somebody named it (REPRISE_RUNTIME), a name that Podman knows or a
  // path; empty if nobody did.
  std::string runtime;
};

}  // namespace reprise::operations
