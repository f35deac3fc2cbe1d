// SPDX-License-Identifier: Apache-2.0
//
// Names that people give checkpoints.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"

namespace reprise::operations {

// Before any work is done for it: kInvalidInput, with a hint, for what is no tag, or is another
// checkpoint's already, which nobody could tell from the new one any more. Success if it is empty.
base::Result<void> check_new_tag(catalog::Catalog& catalog, const std::string& tag);

}  // namespace reprise::operations
