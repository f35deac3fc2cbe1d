// SPDX-License-Identifier: Apache-2.0
//
// What a worker is asked to do: the first message on its socket, and what lies in the session's run
// directory for whoever settles it (request.json). JSON; readers tolerate what they do not know,
// and lack of what earlier versions did not write, since both may be of different versions during
// an upgrade. Golden files: tests/golden/worker.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "host/identity.h"
#include "host/layout.h"
#include "image/manifest.h"
#include "oci/runtime.h"

namespace reprise::host {

struct CheckpointRequest {
  bool end = false;  // end the container after the seal
  image::Trigger trigger = image::Trigger::kRequest;
  int signal = 0;  // delivered if the session fails; 0 for none
  std::string tag;
  std::string name;  // the container's name, where the caller knows it
};

struct RestoreRequest {
  std::string bundle;
  base::CheckpointId checkpoint;  // claimed by this session
  // Of the caller's own call, for `runc restore`: global arguments, and options of the verb.
  std::vector<std::string> globals;
  std::vector<std::string> options;
  bool acknowledges = false;  // the caller will say that it heard the outcome (encode_heard)
};

struct WorkerRequest {
  base::SessionId session;  // chosen by the caller, so that it can name it
  base::ContainerId container;
  // That of the container where it is not made of the id (identity.h); empty: it is.
  base::ContainerKey key;
  std::vector<std::string> runtime_args;  // oci::Runtime::state_args
  // Of Kubernetes, whose pod the container is of: what is saved is sealed with that one's keys, and
  // what is restored is its own. Empty: of no pod, or an earlier version did not say.
  std::string name_space;
  bool lock_passed = false;  // fd 4 is the container's lock, already held
  std::variant<CheckpointRequest, RestoreRequest> what;

  [[nodiscard]] bool is_restore() const { return std::holds_alternative<RestoreRequest>(what); }
  // Only of a request that is one.
  [[nodiscard]] const CheckpointRequest& checkpoint() const {
    return std::get<CheckpointRequest>(what);
  }
  [[nodiscard]] const RestoreRequest& restore() const { return std::get<RestoreRequest>(what); }
};

// Of the container that a request is about.
Identity identity_of(const WorkerRequest& request);
base::ContainerKey key_of(const WorkerRequest& request);
// As the caller that made the request uses it.
oci::Runtime runtime_of(const Layout& layout, const WorkerRequest& request);

std::string encode(const WorkerRequest& request);
// kInternal for text that is no request.
base::Result<WorkerRequest> decode_worker_request(const std::string& text);

}  // namespace reprise::host
