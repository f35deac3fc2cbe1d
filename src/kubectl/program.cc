// SPDX-License-Identifier: Apache-2.0
#include "kubectl/program.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "daemon/pod_facts.h"
#include "json/reader.h"
#include "json/writer.h"
#include "kube/access.h"
#include "kube/client.h"
#include "kubectl/pod_report.h"

namespace reprise::kubectl {

using base::Result;
using json_reader::text_in;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

struct Options {
  std::string kubeconfig, context, name_space, pod;
  bool json = false;
};

// What a command talks to.
struct Asked {
  Options options;
  std::unique_ptr<kube::Client> client;
  std::ostream& out;
};

std::string kubeconfig_of(const Options& options, const sys::Environment& environment) {
  if (!options.kubeconfig.empty()) return options.kubeconfig;
  const std::string told = sys::variable(environment, "KUBECONFIG");
  if (!told.empty()) return told.substr(0, told.find(':'));  // the first of several
  return sys::variable(environment, "HOME") + "/.kube/config";
}

std::string checkpoints_path(const std::string& name_space) {
  return "/apis/reprise.dev/v1alpha1/namespaces/" + name_space + "/checkpoints";
}

// Empty where we are not let.
Result<std::optional<std::vector<json>>> list_if_let(kube::Client& client,
                                                     const std::string& path) {
  auto listed = client.list(path);
  if (listed) return std::optional(std::move(listed->items));
  if (listed.error().code() == base::ErrorCode::kDenied) return std::nullopt;
  return std::unexpected(std::move(listed).error());
}

Result<Surroundings> surroundings_of(kube::Client& client, const json& pod,
                                     const std::string& name_space) {
  Surroundings around;
  around.agents = REPRISE_PASS(list_if_let(client, "/api/v1/namespaces/reprise-system/pods"));
  around.checkpoints = REPRISE_PASS(list_if_let(client, checkpoints_path(name_space)));
  const auto facts = daemon::pod_facts(pod);
  if (facts && facts->lineage && facts->lineage->owner.kind == "Job") {
    const auto job = client.get("/apis/batch/v1/namespaces/" + name_space + "/jobs/" +
                                facts->lineage->owner.name);
    if (job) around.controller = *job;
  }
  return around;
}

const char* mark_of(Remark::Weight weight) {
  switch (weight) {
    case Remark::Weight::kFine:
      return "ok";
    case Remark::Weight::kMind:
      return "mind";
    case Remark::Weight::kPrevents:
      return "no";
  }
  return "";
}

void print_json(std::ostream& out, const PodReport& report) {
  ordered_json remarks = ordered_json::array();
  for (const Remark& one : report.remarks)
    remarks.push_back(
        {{"weight", mark_of(one.weight)}, {"text", one.text}, {"remedy", one.remedy}});
  const ordered_json all{{"saved_on_disruption", report.saved_on_disruption},
                         {"saved_on_delete", report.saved_on_delete},
                         {"remarks", remarks}};
  out << json_writer::print(all, 2) << "\n";
}

void print_text(std::ostream& out, const PodReport& report) {
  for (const Remark& one : report.remarks) {
    out << mark_of(one.weight) << "\t" << one.text << "\n";
    if (!one.remedy.empty()) out << "\t-> " << one.remedy << "\n";
  }
  const auto said = [](bool saved) { return saved ? "is saved" : "gets its signal"; };
  out << "When it is drained, evicted or preempted it " << said(report.saved_on_disruption)
      << "; when it is deleted it " << said(report.saved_on_delete) << ".\n";
}

Result<int> doctor(const Asked& asked) {
  const std::string& name_space = asked.options.name_space;
  const json pod = REPRISE_PASS(
      asked.client->get("/api/v1/namespaces/" + name_space + "/pods/" + asked.options.pod));
  const Surroundings around = REPRISE_PASS(surroundings_of(*asked.client, pod, name_space));
  const PodReport report = report_on(pod, around);
  if (asked.options.json)
    print_json(asked.out, report);
  else
    print_text(asked.out, report);
  return report.saved_on_disruption || report.saved_on_delete ? 0 : 1;
}

Result<int> lives(const Asked& asked) {
  const auto listed = REPRISE_PASS(asked.client->list(checkpoints_path(asked.options.name_space)));
  const auto history = history_of(asked.options.pod, listed.items);
  if (asked.options.json) {
    asked.out << json_writer::print(json{{"checkpoints", history}}, 2) << "\n";
    return 0;
  }
  if (history.empty()) asked.out << "No Checkpoint tells of pod '" << asked.options.pod << "'.\n";
  const json none;
  for (const json& one : history) {
    const json& spec = one.contains("spec") ? one["spec"] : none;
    const json& status = one.contains("status") ? one["status"] : none;
    const json& by =
        status.is_object() && status.contains("claimedBy") ? status["claimedBy"] : none;
    asked.out << text_in(one.value("metadata", none), "creationTimestamp") << "\t"
              << text_in(spec, "pod") << " on " << text_in(spec, "node") << "\t"
              << text_in(status, "phase");
    if (!by.empty()) asked.out << "\t-> " << text_in(by, "pod") << " on " << text_in(by, "node");
    if (const std::string message = text_in(status, "message"); !message.empty())
      asked.out << "\t" << message;
    asked.out << "\n";
  }
  return 0;
}

Result<int> obey(const Options& given, const sys::Environment& environment, std::ostream& out,
                 Result<int> (*command)(const Asked&)) {
  auto access = REPRISE_TRY(kube::from_kubeconfig(kubeconfig_of(given, environment), given.context),
                            "finding the API server");
  Options options = given;
  if (options.name_space.empty()) options.name_space = access.namespace_;
  auto client = REPRISE_PASS(kube::Client::open(std::move(access), "kubectl-reprise"));
  const Asked asked{.options = options, .client = std::move(client), .out = out};
  return command(asked);
}

}  // namespace

bool is_called_so(const std::string& argument_zero) {
  return std::filesystem::path(argument_zero).filename() == "kubectl-reprise";
}

int run(std::vector<std::string> args, const sys::Environment& environment, std::ostream& out,
        std::ostream& err) {
  Options options;
  CLI::App app("What a cluster knows of checkpoints of pods.", "kubectl reprise");
  app.set_version_flag("--version", REPRISE_VERSION);
  app.require_subcommand(1);
  app.add_option("-n,--namespace", options.name_space, "The pod's; else the context's");
  app.add_option("--kubeconfig", options.kubeconfig, "Else KUBECONFIG, or ~/.kube/config");
  app.add_option("--context", options.context, "Of the kubeconfig; else its current one");
  app.fallthrough();
  CLI::App* doctor_command = app.add_subcommand(
      "doctor", "Whether a pod is saved when it ends, and goes on in its replacement; if not, why");
  CLI::App* lives_command =
      app.add_subcommand("lives", "What pods of this name were saved as, and went on from");
  for (CLI::App* command : {doctor_command, lives_command}) {
    command->add_option("POD", options.pod)->required();
    command->add_flag("--json", options.json, "As JSON");
  }
  std::ranges::reverse(args);  // as CLI11 wants them
  try {
    app.parse(std::move(args));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err);
  }
  const Result<int> done = obey(options, environment, out, *doctor_command ? doctor : lives);
  if (done) return *done;
  err << "kubectl-reprise: " << done.error().message() << "\n";
  if (!done.error().hint().empty()) err << "  hint: " << done.error().hint() << "\n";
  return base::exit_code(done.error().code());
}

}  // namespace reprise::kubectl
