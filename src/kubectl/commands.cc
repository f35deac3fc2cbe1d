// SPDX-License-Identifier: Apache-2.0
#include "kubectl/commands.h"

#include <algorithm>
#include <optional>

#include "daemon/pod_facts.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "json/writer.h"
#include "kubectl/node_report.h"
#include "kubectl/pod_past.h"
#include "kubectl/pod_report.h"

namespace reprise::kubectl {

using base::ErrorCode;
using base::Result;
using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr const char* kAgentPods = "/api/v1/namespaces/reprise-system/pods";

std::string checkpoints_path(const std::string& name_space) {
  return "/apis/reprise.dev/v1alpha1/namespaces/" + name_space + "/checkpoints";
}

std::string pods_path(const Asked& asked) {
  return "/api/v1/namespaces/" + asked.name_space + "/pods";
}

std::string path_of(const Asked& asked) {
  const bool is_job = asked.subject.kind == Subject::Kind::kJob;
  const char* plural = is_job                                             ? "jobs"
                       : asked.subject.kind == Subject::Kind::kDeployment ? "deployments"
                                                                          : "statefulsets";
  return std::string(is_job ? "/apis/batch/v1" : "/apis/apps/v1") + "/namespaces/" +
         asked.name_space + "/" + plural + "/" + asked.subject.name;
}

bool is_of(const json& pod, const Subject& subject) {
  const json& owners = child_of(child_of(pod, "metadata"), "ownerReferences");
  return std::ranges::any_of(owners, [&](const json& owner) { return is_made_by(owner, subject); });
}

// Whoever names a node as if it were a pod.
Result<json> pod_named(const Asked& asked) {
  auto pod = asked.api.get(pods_path(asked) + "/" + asked.subject.name);
  if (pod || pod.error().code() != ErrorCode::kNotFound) return pod;
  base::Error error(ErrorCode::kNotFound, "there is no pod '" + asked.subject.name +
                                              "' in namespace '" + asked.name_space + "'");
  if (asked.api.get("/api/v1/nodes/" + asked.subject.name))
    return std::unexpected(
        std::move(error).with_hint("name the node as 'node/" + asked.subject.name + "'"));
  return std::unexpected(
      std::move(error).with_hint("--namespace names another; what makes pods is named as "
                                 "'deployment/NAME', 'statefulset/NAME', 'job/NAME'"));
}

// A cluster of the version before has none.
std::optional<std::vector<json>> policies_of(const Api& api) {
  auto listed = api.list("/apis/reprise.dev/v1alpha1/checkpointpolicies");
  if (listed) return *std::move(listed);
  if (listed.error().code() == ErrorCode::kNotFound) return std::vector<json>();
  return std::nullopt;
}

// Who makes pods anew; nullopt if it is not to be seen.
std::optional<json> controller_of(const Asked& asked, const daemon::Owner& owner) {
  const bool is_job = owner.kind == "Job";
  const char* plural = is_job                        ? "jobs"
                       : owner.kind == "ReplicaSet"  ? "replicasets"
                       : owner.kind == "StatefulSet" ? "statefulsets"
                                                     : "daemonsets";
  auto found = asked.api.get(std::string(is_job ? "/apis/batch/v1" : "/apis/apps/v1") +
                             "/namespaces/" + asked.name_space + "/" + plural + "/" + owner.name);
  if (found) return *std::move(found);
  return std::nullopt;
}

Result<Surroundings> surroundings_of(const Asked& asked, const json& pod) {
  const Api& api = asked.api;
  Surroundings around;
  around.agents = REPRISE_PASS(api.list_if_let(kAgentPods));
  around.checkpoints = REPRISE_PASS(api.list_if_let(checkpoints_path(asked.name_space)));
  around.policies = policies_of(api);
  // What they tell is no more than of use.
  if (auto listed = api.list(requests_path(asked))) around.requests = *std::move(listed);
  const auto facts = daemon::pod_facts(pod);
  if (facts && facts->lineage) around.controller = controller_of(asked, facts->lineage->owner);
  if (facts && !facts->runtime_class.empty() && facts->runtime_class != "reprise") {
    const auto found = api.get("/apis/node.k8s.io/v1/runtimeclasses/" + facts->runtime_class);
    if (found) around.runtime_class = *found;
    around.is_class_hidden = !found && found.error().code() != ErrorCode::kNotFound;
  }
  return around;
}

ordered_json to_json(const std::vector<Remark>& remarks) {
  ordered_json list = ordered_json::array();
  for (const Remark& one : remarks)
    list.push_back({{"weight", mark_of(one.weight)}, {"text", one.text}, {"remedy", one.remedy}});
  return list;
}

void print(std::ostream& out, const std::vector<Remark>& remarks) {
  for (const Remark& one : remarks) {
    out << mark_of(one.weight) << "\t" << one.text << "\n";
    if (!one.remedy.empty()) out << "\t-> " << one.remedy << "\n";
  }
}

struct Examined {
  std::string pod;
  PodReport report;
  [[nodiscard]] bool is_saved() const { return report.is_saved(); }
  [[nodiscard]] ordered_json json() const {
    return {{"pod", pod},
            {"saved_on_disruption", to_json(report.saved_on_disruption)},
            {"saved_on_delete", to_json(report.saved_on_delete)},
            {"remarks", to_json(report.remarks)}};
  }
};

void print(std::ostream& out, const Examined& one) {
  print(out, one.report.remarks);
  out << verdict_text(one.report) << "\n";
}

Result<int> doctor_of_node(const Asked& asked) {
  const Api& api = asked.api;
  const std::string& name = asked.subject.name;
  const json node =
      REPRISE_TRY(api.get("/api/v1/nodes/" + name), "looking for node '" + name + "'");
  NodeSurroundings around;
  around.agents = REPRISE_PASS(api.list_if_let(kAgentPods));
  around.runtime_classes = REPRISE_PASS(api.list_if_let("/apis/node.k8s.io/v1/runtimeclasses"));
  around.pods = REPRISE_PASS(api.list_if_let("/api/v1/pods?fieldSelector=spec.nodeName%3D" + name));
  around.checkpoints = REPRISE_PASS(api.list_if_let("/apis/reprise.dev/v1alpha1/checkpoints"));
  const NodeReport report = report_on_node(node, around);
  if (asked.json) {
    const ordered_json all{
        {"node", name}, {"works", to_json(report.works)}, {"remarks", to_json(report.remarks)}};
    asked.out << json_writer::print(all, 2) << "\n";
  } else {
    print(asked.out, report.remarks);
    asked.out << verdict_text(report) << "\n";
  }
  return report.works == Verdict::kYes ? 0 : 1;
}

// Who may not see it is not told that it is not there.
Result<void> check_is_there(const Asked& asked) {
  const bool is_pod = asked.subject.kind == Subject::Kind::kPod;
  const auto found =
      asked.api.get(is_pod ? pods_path(asked) + "/" + asked.subject.name : path_of(asked));
  if (found || found.error().code() != ErrorCode::kNotFound) return {};
  return std::unexpected(base::Error(ErrorCode::kNotFound,
                                     "there is no " + to_text(asked.subject) + " in namespace '" +
                                         asked.name_space + "', and no Checkpoint tells of one")
                             .with_hint("--namespace names another"));
}

}  // namespace

std::string requests_path(const Asked& asked) {
  return "/apis/reprise.dev/v1alpha1/namespaces/" + asked.name_space + "/checkpointrequests";
}

Result<std::vector<json>> pods_of(const Asked& asked) {
  if (asked.subject.kind == Subject::Kind::kPod) {
    std::vector<json> one;
    one.push_back(REPRISE_PASS(pod_named(asked)));
    return one;
  }
  const std::string what = to_text(asked.subject);
  const json made = REPRISE_TRY(asked.api.get(path_of(asked)), "looking for " + what);
  const std::string query = label_query(child_of(child_of(made, "spec"), "selector"));
  auto pods = REPRISE_PASS(asked.api.list(pods_path(asked) + "?" + query));
  std::erase_if(pods, [&](const json& pod) { return !is_of(pod, asked.subject); });
  if (pods.empty()) return base::fail(ErrorCode::kNotFound, what + " has no pods");
  return pods;
}

Result<int> doctor(const Asked& asked) {
  if (asked.subject.kind == Subject::Kind::kNode) return doctor_of_node(asked);
  std::vector<Examined> all;
  for (const json& pod : REPRISE_PASS(pods_of(asked))) {
    const Surroundings around = REPRISE_PASS(surroundings_of(asked, pod));
    all.push_back(
        {.pod = text_in(child_of(pod, "metadata"), "name"), .report = report_on(pod, around)});
  }
  const bool is_one = asked.subject.kind == Subject::Kind::kPod;
  if (asked.json && is_one) {
    asked.out << json_writer::print(all.front().json(), 2) << "\n";
  } else if (asked.json) {
    ordered_json list = ordered_json::array();
    for (const Examined& one : all) list.push_back(one.json());
    asked.out << json_writer::print(ordered_json{{"pods", list}}, 2) << "\n";
  } else {
    for (const Examined& one : all) {
      if (!is_one) asked.out << "pod '" << one.pod << "'\n";
      print(asked.out, one);
    }
  }
  return std::ranges::all_of(all, &Examined::is_saved) ? 0 : 1;
}

Result<int> lives(const Asked& asked) {
  if (asked.subject.kind == Subject::Kind::kNode)
    return std::unexpected(base::Error(ErrorCode::kInvalidInput, "a node has no lives")
                               .with_hint("'kubectl get checkpoints -A' shows those of a node"));
  const auto listed = REPRISE_PASS(asked.api.list(checkpoints_path(asked.name_space)));
  const auto history = history_of(asked.subject, listed);
  if (history.empty()) REPRISE_PASS(check_is_there(asked));
  if (asked.json) {
    ordered_json list = ordered_json::array();
    for (const json& one : history) list.push_back(life_of(one));
    asked.out << json_writer::print(ordered_json{{"lives", list}}, 2) << "\n";
    return 0;
  }
  if (history.empty()) asked.out << "No Checkpoint tells of " << to_text(asked.subject) << ".\n";
  asked.out << told_lives(history);
  return 0;
}

}  // namespace reprise::kubectl
