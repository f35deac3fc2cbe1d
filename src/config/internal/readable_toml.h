// SPDX-License-Identifier: Apache-2.0
//
// Which texts toml++ may be given: it ends the process at some.
#pragma once

#include <string_view>

#include "base/result.h"

namespace reprise::config {

// kInvalidInput, naming the line: a '[' that nothing like a name follows (toml++ 3.3 asserts that
// there is one), letters beyond ASCII outside of quotes and comments (at some it does what is
// undefined), or names within names beyond all sense (it recurses as deep).
base::Result<void> check_readable(std::string_view text);

}  // namespace reprise::config
