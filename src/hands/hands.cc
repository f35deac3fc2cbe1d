// SPDX-License-Identifier: Apache-2.0
#include "hands/hands.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "host/hands_link.h"
#include "host/identity.h"
#include "host/pods.h"
#include "host/worker_link.h"
#include "oci/annotations.h"
#include "oci/cri.h"
#include "sys/files.h"
#include "sys/message_socket.h"

namespace reprise::hands {

using base::ErrorCode;
using base::LogLevel;
using base::Result;

namespace {

constexpr int kMostAtOnce = 16;
constexpr std::chrono::seconds kQuestion{5};

// Whether the container is the one that is meant: its annotations are the container runtime's.
Result<oci::State> state_of(const host::Layout& layout, const host::SaveNow& question) {
  const oci::Runtime runtime{.program = layout.runc, .state_args = {"--root", host::kRootOfPods}};
  const std::string name = oci::full_name(question.pod);
  auto state = REPRISE_TRY(runtime.state_of(question.container), "looking for '" + name + "'");
  const auto pod = oci::pod_container(state.annotations);
  const bool is_it = pod && pod->kind == oci::PodContainer::Kind::kContainer &&
                     pod->uid == question.pod.uid && pod->container == question.pod.container;
  if (is_it) return state;
  return base::fail(ErrorCode::kDenied,
                    "container '" + question.container.str() + "' is not '" + name + "'");
}

Result<host::WorkerLink> begin(const host::Layout& layout, const host::SaveNow& question) {
  const oci::State state = REPRISE_PASS(state_of(layout, question));
  host::WorkerRequest request;
  request.session = base::SessionId::random();
  request.container = question.container;
  request.runtime_args = {"--root", host::kRootOfPods};
  request.key =
      host::identify(request.runtime_args, question.container, oci::key_name(state.annotations))
          .key;
  const auto pod = oci::pod_container(state.annotations);
  request.name_space = pod->name_space;
  request.what = host::CheckpointRequest{.name = oci::full_name(*pod)};
  return host::start_worker(request);
}

host::Outcome follow(host::WorkerLink& worker, sys::MessageSocket& asker) {
  for (;;) {
    auto message = host::next_message(worker);
    if (!message) return host::failed_outcome(message.error());
    if (auto* outcome = std::get_if<host::Outcome>(&*message)) return std::move(*outcome);
    // Whoever asked may have gone away; what was begun goes on.
    [[maybe_unused]] const auto told = asker.send(host::encode(*message));
  }
}

void answer(const host::Layout& layout, sys::MessageSocket& asker) {
  const auto text = asker.receive(kQuestion);
  if (!text || !*text) return;
  const auto question = host::decode_save_now(**text);
  if (!question)
    return base::log(LogLevel::kWarn, "a question was not understood",
                     {{"error", question.error().message()}});
  auto worker = begin(layout, *question);
  const host::Outcome outcome =
      worker ? follow(*worker, asker) : host::failed_outcome(worker.error());
  if (worker) ::waitpid(worker->pid, nullptr, 0);
  base::log(LogLevel::kInfo, outcome.ok() ? "saved" : "not saved",
            {{"container", oci::full_name(question->pod)},
             {"checkpoint", outcome.checkpoint.str()},
             {"error", outcome.ok() ? "" : outcome.reason}});
  base::warn_and_ignore(asker.send(host::encode(host::WorkerMessage(outcome))),
                        "nobody waited for the outcome");
}

// "9:memory:/system.slice" to the lists of processes that this may be.
std::vector<std::filesystem::path> lists_of(const std::string& line) {
  const auto first = line.find(':');
  const auto second = line.find(':', first + 1);
  if (second == std::string::npos) return {};
  std::string controllers = line.substr(first + 1, second - first - 1);
  if (controllers.starts_with("name=")) controllers.erase(0, 5);
  const std::string below = line.substr(second + 1) + "/cgroup.procs";
  const std::string root = "/sys/fs/cgroup";
  if (controllers.empty()) return {root + below, root + "/unified" + below};
  return {root + "/" + controllers + below};
}

}  // namespace

Result<void> leave_cgroups() {
  std::istringstream lines(REPRISE_PASS(sys::read_file("/proc/1/cgroup")));
  bool left = false;
  for (std::string line; std::getline(lines, line);)
    for (const auto& list : lists_of(line))
      left = sys::write_control_file(list, std::to_string(::getpid())).has_value() || left;
  if (left) return {};
  return base::fail(ErrorCode::kIo, "no cgroup of process 1 can be entered");
}

Result<void> serve(const host::Layout& layout, const std::atomic<bool>& stop) {
  constexpr int kPace = 200;  // milliseconds
  REPRISE_PASS(layout.create());
  const auto address = host::hands_socket_of(layout);
  if (sys::MessageSocket::connect(address, kQuestion))
    return base::fail(ErrorCode::kBusy, "others serve at '" + address.string() + "'");
  REPRISE_PASS(sys::remove_tree(address));  // of one that was killed
  auto listener = REPRISE_PASS(sys::MessageListener::listen(address));
  // Shared with threads that may be there when we are not.
  const auto busy = std::make_shared<std::atomic<int>>(0);
  while (!stop) {
    pollfd waits{.fd = listener.fd().get(), .events = POLLIN, .revents = 0};
    if (::poll(&waits, 1, kPace) <= 0) continue;
    auto socket = listener.accept();
    if (!socket || *busy >= kMostAtOnce) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kPace));
      continue;
    }
    ++*busy;
    std::thread([layout, busy, asker = *std::move(socket)]() mutable {
      answer(layout, asker);
      --*busy;
    }).detach();
  }
  return {};
}

}  // namespace reprise::hands
