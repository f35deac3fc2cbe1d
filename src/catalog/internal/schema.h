// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sqlite/database.h"

namespace reprise::catalog {

extern const sqlite::DatabaseSchema kCatalogSchema;

}  // namespace reprise::catalog
