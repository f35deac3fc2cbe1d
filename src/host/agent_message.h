// SPDX-License-Identifier: Apache-2.0
//
// What the runtime wrapper and the node's agent (reprised) say to each other. JSON, as tolerant as
// request.h: the two may be of different versions during an upgrade. Golden files:
// tests/golden/agent.
#pragma once

#include <string>
#include <variant>

#include "base/id.h"
#include "base/result.h"
#include "oci/cri.h"

namespace reprise::host {

// A container is about to be made, or a pod's sandbox, whose `pod.container` is empty: the pod may
// have what it goes on from fetched. Answered by Wait, any number of times, and then by GoOn or
// TryLater.
struct WillCreate {
  base::ContainerId container;
  base::ContainerKey key;  // it lives under
  oci::PodContainer pod;
};

// A container was told to end by `signal`, its stop signal. Answered by Ending.
struct WillEnd {
  base::ContainerId container;
  base::ContainerKey key;
  oci::PodContainer pod;
  int signal = 0;
};

// `failed` of a container that could not go on, and begins anew by its own wish, starts with this.
inline constexpr std::string_view kBeginsAnew = "it begins anew: ";

// How a `create` ended. Not answered.
struct Created {
  base::ContainerId container;
  base::ContainerKey key;
  oci::PodContainer pod;
  base::CheckpointId resumed;  // none: it began anew
  std::string failed;          // why it was not made at all; empty: it was
};

// A container is about to be made, or a pod's sandbox: what do policies of the cluster want of its
// pod? Answered by PolicyWish, or TryLater while that is not known. Asked where there are policies
// (policy_flag_of).
struct WhatIsWished {
  base::ContainerId container;
  base::ContainerKey key;
  oci::PodContainer pod;
};

using AgentQuestion = std::variant<WillCreate, WillEnd, Created, WhatIsWished>;

// A checkpoint is promised that is not there yet.
struct Wait {
  std::string reason;
  // It is the container's own by now: if the agent goes away, the container must not begin anew.
  bool is_claimed = false;
};

struct GoOn {
  // What the catalog's continuation of the container's key is now; none: it begins anew.
  base::CheckpointId checkpoint;
  std::string reason;
  // Where it begins anew: not beside another container of its pod that went on. Older agents do
  // not say.
  bool is_bound = false;
};

// The container is not to be made now, and must not begin anew: what it goes on from is on its way.
struct TryLater {
  std::string reason;
};

struct Ending {
  bool checkpoint = false;  // instead of the signal
  std::string reason;
};

// What is to be as if the pod's annotations said it; where they say something, that is in here.
struct PolicyWish {
  bool on_disruption = false;
  bool on_delete = false;
  int freeze_limit = 0;  // seconds; 0: no policy says
};

using AgentAnswer = std::variant<Wait, GoOn, Ending, TryLater, PolicyWish>;

std::string encode(const AgentQuestion& question);
std::string encode(const AgentAnswer& answer);
// kInternal for text that is none.
base::Result<AgentQuestion> decode_agent_question(const std::string& text);
base::Result<AgentAnswer> decode_agent_answer(const std::string& text);

}  // namespace reprise::host
