// SPDX-License-Identifier: Apache-2.0
//
// Endings of pods' containers of which the node's agent was asked and did not answer: they got
// their signal. Noted, so that the agent tells once it is back; gone with the next boot.
#pragma once

#include <vector>

#include "base/result.h"
#include "host/agent_message.h"
#include "host/layout.h"

namespace reprise::host {

base::Result<void> note_unanswered(const Layout& layout, const WillEnd& question);

// All that were noted; they are forgotten with this.
base::Result<std::vector<WillEnd>> take_unanswered(const Layout& layout);

}  // namespace reprise::host
