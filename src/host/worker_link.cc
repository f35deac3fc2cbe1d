// SPDX-License-Identifier: Apache-2.0
#include "host/worker_link.h"

#include <optional>
#include <string>
#include <utility>

#include "host/layout.h"
#include "sys/child.h"

namespace reprise::host {

using base::Result;

Result<WorkerLink> start_worker(const WorkerRequest& request, const sys::FileLock* lock) {
  const std::filesystem::path worker = REPRISE_PASS(find_worker());
  auto [ours, theirs] = REPRISE_PASS(sys::MessageSocket::pair());
  sys::SpawnOptions options;
  options.argv = {worker.string()};
  options.env = sys::default_environment();
  options.new_session = true;
  options.fds = {{theirs.fd().get(), kWorkerSocketFd}};
  if (lock != nullptr) options.fds.emplace_back(lock->fd().get(), kWorkerLockFd);
  sys::Child child = REPRISE_TRY(sys::Child::spawn(options), "starting a worker");
  const pid_t pid = child.pid();
  REPRISE_TRY(ours.send(encode(request)), "starting a worker");
  child.detach();
  return WorkerLink{.socket = std::move(ours), .pid = pid};
}

Result<WorkerMessage> next_message(WorkerLink& worker, std::chrono::milliseconds patience) {
  std::optional<std::chrono::milliseconds> limit;
  if (patience != kForever) limit = patience;
  const auto message = REPRISE_PASS(worker.socket.receive(limit));
  if (!message) return base::fail(base::ErrorCode::kGone, "the worker and its guard died");
  return decode_worker_message(*message);
}

}  // namespace reprise::host
