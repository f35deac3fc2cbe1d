// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "daemon/pod_facts.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "json/writer.h"
#include "kubectl/commands.h"
#include "kubectl/remarks.h"
#include "kubectl/request.h"

namespace reprise::kubectl {

using base::ErrorCode;
using base::Result;
using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;
using nlohmann::ordered_json;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kTaken{30};  // in which the node's agent takes a request up
constexpr std::chrono::seconds kLook{1};

// What an agent would refuse is not asked for.
Result<void> check(const json& pod) {
  const auto facts = daemon::pod_facts(pod);
  const std::string name = "pod '" + text_in(child_of(pod, "metadata"), "name") + "'";
  if (!facts || facts->node.empty())
    return base::fail(ErrorCode::kInvalidInput, name + " is on no node yet");
  if (facts->running.empty())
    return base::fail(ErrorCode::kInvalidInput, "no container of " + name + " runs");
  if (!facts->runtime_class.empty()) return {};
  return std::unexpected(
      base::Error(ErrorCode::kInvalidInput, name + " does not run under Reprise")
          .with_hint("set spec.runtimeClassName: reprise, with which it is made anew"));
}

Result<json> make(const Asked& asked, const json& pod) {
  auto made = asked.api.create(requests_path(asked), new_request(pod));
  if (made || made.error().code() != ErrorCode::kDenied) return made;
  return std::unexpected(std::move(made).error().with_hint(
      "whoever may edit the namespace may; else ask for the right to create "
      "checkpointrequests.reprise.dev in it"));
}

struct Followed {
  json request;
  std::string node;       // of the pod
  std::string last_said;  // of its progress
};

// Once more; whether it is over.
Result<bool> look(const Asked& asked, Followed& one, steady_clock::time_point began) {
  const std::string name = text_in(child_of(one.request, "metadata"), "name");
  auto now = asked.api.get(requests_path(asked) + "/" + name);
  if (!now && now.error().code() == ErrorCode::kNotFound)
    return base::fail(ErrorCode::kGone, "the pod was removed, and its request with it");
  if (!now) return std::unexpected(std::move(now).error());
  one.request = *std::move(now);
  const RequestState state = state_of(one.request);
  if (!state.is_taken && steady_clock::now() - began > kTaken)
    return std::unexpected(
        base::Error(ErrorCode::kBusy, "the agent of node '" + one.node + "' does not answer")
            .with_hint("'kubectl reprise doctor node/" + one.node + "' says why; request '" + name +
                       "' stays, and is answered when it can be"));
  if (!state.is_over && !state.message.empty() && state.message != one.last_said) {
    one.last_said = state.message;
    asked.err << "pod '" << text_in(child_of(one.request, "spec"), "pod") << "', " << state.message
              << "\n";
  }
  return state.is_over;
}

}  // namespace

Result<int> checkpoint(const Asked& asked) {
  if (asked.subject.kind == Subject::Kind::kNode)
    return base::fail(ErrorCode::kInvalidInput, "a node cannot be saved, its pods can");
  const auto pods = REPRISE_PASS(pods_of(asked));
  bool all_can_be = true;
  for (const json& pod : pods)
    if (const auto checked = check(pod); !checked) {
      all_can_be = false;
      asked.err << "kubectl reprise: " << checked.error().message() << "\n";
      if (!checked.error().hint().empty()) asked.err << "hint: " << checked.error().hint() << "\n";
    }
  if (!all_can_be) return 1;
  std::vector<Followed> all;
  for (const json& pod : pods) {
    auto made = REPRISE_PASS(make(asked, pod));
    all.push_back({.request = std::move(made),
                   .node = text_in(child_of(pod, "spec"), "nodeName"),
                   .last_said = {}});
  }
  const auto began = steady_clock::now();
  bool all_done = true;
  ordered_json list = ordered_json::array();
  for (Followed& one : all) {
    while (!REPRISE_PASS(look(asked, one, began))) std::this_thread::sleep_for(kLook);
    all_done = all_done && state_of(one.request).is_done;
    if (asked.json)
      list.push_back(request_to_json(one.request));
    else
      asked.out << request_to_text(one.request);
  }
  if (asked.json) asked.out << json_writer::print(ordered_json{{"requests", list}}, 2) << "\n";
  return all_done ? 0 : 1;
}

}  // namespace reprise::kubectl
