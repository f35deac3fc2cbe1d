// SPDX-License-Identifier: Apache-2.0
//
// Custom resource CheckpointRequest (deploy/kubernetes/checkpoints.yaml): somebody wants a pod to
// be saved now, and to run on. The agent of the pod's node answers in the object's status.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace reprise::daemon {

inline constexpr const char* kRequestCollection = "/apis/reprise.dev/v1alpha1/checkpointrequests";

enum class RequestPhase : std::uint8_t { kPending, kRunning, kDone, kFailed };
std::string_view to_string(RequestPhase phase);

// What became of one container.
struct RequestedContainer {
  std::string name;
  std::string checkpoint;  // empty: it was not saved
  std::uint64_t bytes = 0;
  std::int64_t freeze_ms = 0;
  std::string failed;  // why
};

// A view of an object, and of that what is needed to write its status, to which alone the API
// server listens then.
struct CheckpointRequestObject {
  nlohmann::json object;
  std::string name_space, name, uid;
  std::string pod, pod_uid;  // the UID may be empty: whatever pod has this name
  RequestPhase phase = RequestPhase::kPending;
  std::string node;  // that has taken it

  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string full_name() const { return name_space + "/" + name; }
  [[nodiscard]] bool is_over() const {
    return phase == RequestPhase::kDone || phase == RequestPhase::kFailed;
  }
};

// nullopt for what is none, or of a later version.
std::optional<CheckpointRequestObject> read_request(nlohmann::json object);

// Whether it was answered by the agent of `node`, and has been read by whoever wanted to: a day
// after it was made. Most go with their pods before.
bool is_old(const CheckpointRequestObject& request, const std::string& node, base::UnixMillis now);

// Changes of the status in `request.object`.
void set_phase(CheckpointRequestObject& request, RequestPhase phase, const std::string& message,
               const std::string& node);
void set_containers(CheckpointRequestObject& request,
                    const std::vector<RequestedContainer>& containers);

}  // namespace reprise::daemon
