// SPDX-License-Identifier: Apache-2.0
//
// How a worker is started and talked to: JSON messages over a sequenced-packet socket (fd 3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "host/identity.h"
#include "host/layout.h"
#include "oci/runtime.h"
#include "sys/child.h"
#include "sys/file_lock.h"
#include "sys/message_socket.h"

namespace reprise::host {

inline constexpr int kWorkerSocketFd = 3;
inline constexpr int kWorkerLockFd = 4;

enum class WorkerVerb : std::uint8_t { kCheckpoint, kRestore };

// What a worker is asked to do; the first message on its socket.
struct WorkerRequest {
  WorkerVerb verb = WorkerVerb::kCheckpoint;
  base::SessionId session;  // chosen by the caller, so that it can name it
  base::ContainerId container;
  // That of the container where it is not made of the id (identity.h); empty: it is.
  base::ContainerKey key;
  std::vector<std::string> runtime_args;  // global arguments for runc: --root, --systemd-cgroup
  // checkpoint
  bool end = false;                 // end the container after the seal
  std::string trigger = "request";  // image::Trigger
  int signal = 0;                   // delivered if the session fails; 0 for none
  std::string tag;
  std::string name;          // the container's name, where the caller knows it
  bool lock_passed = false;  // fd 4 is the container's lock, already held
  // restore
  std::string bundle;
  base::CheckpointId checkpoint;
  bool acknowledges = false;  // the caller will say that it heard the outcome (encode_heard)
};
// Of the container that a request is about.
Identity identity_of(const WorkerRequest& request);
base::ContainerKey key_of(const WorkerRequest& request);
// As the caller that made the request uses it.
oci::Runtime runtime_of(const Layout& layout, const WorkerRequest& request);
std::string encode(const WorkerRequest& request);
base::Result<WorkerRequest> decode_worker_request(const std::string& text);

// What a worker says while it works. `kOutcome` is the last event.
enum class WorkerEventKind : std::uint8_t { kPhase, kReady, kOutcome };
struct WorkerEvent {
  WorkerEventKind kind = WorkerEventKind::kPhase;
  std::string phase;  // kPhase: "dump", "seal", …
  // kReady (restore): what `runc restore` needs
  std::string image_path;
  std::string work_path;
  std::vector<std::pair<std::string, std::string>> environment;  // variables to add
  // kOutcome
  bool ok = false;
  std::string code;  // base::to_string(ErrorCode) if not ok
  std::string reason;
  std::string hint;
  std::string checkpoint;
  std::int64_t freeze_ms = 0;
  std::int64_t total_ms = 0;
  std::uint64_t bytes = 0;
};
std::string encode(const WorkerEvent& event);
base::Result<WorkerEvent> decode_worker_event(const std::string& text);

// What the runtime wrapper answers after kReady: how `runc restore` ended.
std::string encode_restored(int exit_code);
base::Result<int> decode_restored(const std::string& text);

// What the wrapper says last of all, just before it ends: that it heard a good outcome.
std::string encode_heard();
bool is_heard(const std::string& text);

// A worker that was started. The worker is in a session of its own: it outlives its caller, and
// closing the socket only stops the reports.
struct WorkerLink {
  sys::MessageSocket socket;
  pid_t pid = 0;
};

// Starts a worker and sends it `request`, no more. `lock`: handed over to the worker, see
// WorkerRequest::lock_passed. The worker must be reaped by init or a subreaper.
base::Result<WorkerLink> start_worker(const WorkerRequest& request,
                                      const sys::FileLock* lock = nullptr);

}  // namespace reprise::host
