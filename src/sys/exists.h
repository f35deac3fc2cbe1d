// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/files.h"

namespace reprise::sys {

// Whether there is anything by this name, a dangling symbolic link too. An error where that cannot
// be told, which std::filesystem::exists() reads as "no" for those who do not look at its error
// code.
Result<bool> exists(const path& file);

}  // namespace reprise::sys
