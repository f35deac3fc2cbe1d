// SPDX-License-Identifier: Apache-2.0
//
// How the wrapper asks the node's agent. Whoever gets no answer in time goes on as runc would.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "host/agent_message.h"
#include "host/layout.h"

namespace reprise::host {

// Where the agent listens. Only root can connect.
std::filesystem::path agent_socket_of(const Layout& layout);

// For the first word, and for every one after a Wait. An agent answers in a few milliseconds, but
// where sixty pods were told to end at once on two cores, one in ten had no answer within a tenth
// of a second, and lost its checkpoint to that.
inline constexpr std::chrono::milliseconds kAgentPatience{1000};
// While it says Wait, all together. The kubelet gives StartContainer two minutes
// (runtimeRequestTimeout), of which the restore needs the rest.
inline constexpr std::chrono::seconds kLongestWait{60};
// It says Wait at least this often.
inline constexpr std::chrono::seconds kWaitPace{1};

// kNotFound or kGone if no agent is there, or it went away; kBusy if it does not answer in time.
// kDenied if the container must not begin anew, but be made later. `waiting` is called with the
// reason of each Wait.
base::Result<GoOn> ask_agent(const Layout& layout, const WillCreate& question,
                             const std::function<void(const std::string&)>& waiting,
                             std::chrono::milliseconds patience = kAgentPatience);
base::Result<Ending> ask_agent(const Layout& layout, const WillEnd& question,
                               std::chrono::milliseconds patience = kAgentPatience);
base::Result<PolicyWish> ask_agent(const Layout& layout, const WhatIsWished& question,
                                   std::chrono::milliseconds patience = kAgentPatience);

// A file that the agent keeps in the store while the cluster has policies, so that where there are
// none nobody need ask; it outlives a reboot, after which pods may be made before the agent runs.
std::filesystem::path policy_flag_of(const Layout& layout);

// Errors as above, of sending only.
base::Result<void> tell_agent(const Layout& layout, const Created& what);

}  // namespace reprise::host
