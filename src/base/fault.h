// SPDX-License-Identifier: Apache-2.0
//
// Fault points: every step of a session can be told to fail, so that tests can prove the promise.
// Only where tests are built (BUILD_TESTING): what users install does not look at its environment
// for somebody who wants it to kill itself.
#pragma once

#include <string_view>

#include "base/result.h"

namespace reprise::base {

// Does nothing unless the environment variable REPRISE_FAULT, a list POINT:ACTION[:FILE] separated
// by commas, has this point. ACTION `fail` returns an error (kInternal), `kill` ends this process
// by SIGKILL, as an OOM killer would, `stop` lets it hang (SIGSTOP) and go on when it is continued.
// With FILE it happens only if FILE can be removed, which is to say once.
Result<void> fault_point(std::string_view point);

}  // namespace reprise::base
