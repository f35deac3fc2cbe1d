// SPDX-License-Identifier: Apache-2.0
//
// A CheckpointRequest (daemon/checkpoint_request.h) as whoever makes it sees it. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reprise::kubectl {

// For the pod, with which it goes: named by the API server.
nlohmann::json new_request(const nlohmann::json& pod);

struct RequestState {
  bool is_taken = false;  // an agent works on it, or has
  bool is_over = false;
  bool is_done = false;  // and all is well
  std::string message;
};
RequestState state_of(const nlohmann::json& request);

// What `checkpoint --json` tells of it; docs/kubernetes.md lists the fields.
nlohmann::ordered_json request_to_json(const nlohmann::json& request);

// For people: a line for each container, or why there is none.
std::string request_to_text(const nlohmann::json& request);

}  // namespace reprise::kubectl
