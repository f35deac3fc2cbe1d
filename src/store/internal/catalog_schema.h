// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/internal/database.h"

namespace reprise::store {

extern const DatabaseSchema kCatalogSchema;

}  // namespace reprise::store
