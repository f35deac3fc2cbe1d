// SPDX-License-Identifier: Apache-2.0
//
// Fault points: every step of a session can be told to fail, so that tests can prove the promise.
#pragma once

#include <string_view>

#include "base/result.h"

namespace reprise::session {

// Does nothing unless the environment says REPRISE_FAULT=POINT:ACTION for this point. ACTION `fail`
// returns an error (kInternal), `kill` ends this process by SIGKILL, as an OOM killer would.
base::Result<void> fault_point(std::string_view point);

}  // namespace reprise::session
