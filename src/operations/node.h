// SPDX-License-Identifier: Apache-2.0
//
// One node, as its operations see it: all that they were told from outside.
#pragma once

#include "config/config.h"
#include "host/layout.h"
#include "store/store_config.h"

namespace reprise::operations {

struct Node {
  host::Layout layout;
  store::StoreConfig store;
  config::Config config;
};

}  // namespace reprise::operations
