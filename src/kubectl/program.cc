// SPDX-License-Identifier: Apache-2.0
#include "kubectl/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include "daemon/pod_facts.h"
#include "json/reader.h"
#include "json/writer.h"
#include "kubectl/pod_report.h"
#include "sys/child.h"

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

constexpr std::chrono::seconds kAnswers{60};

// The API server by way of kubectl, which knows every manner of saying who one is.
class Api {
 public:
  explicit Api(const Options& options) {
    if (!options.kubeconfig.empty()) words_.push_back("--kubeconfig=" + options.kubeconfig);
    if (!options.context.empty()) words_.push_back("--context=" + options.context);
  }
  // kNotFound, kDenied; kIo with kubectl's words.
  [[nodiscard]] Result<json> get(const std::string& path) const {
    json answer = json_reader::parse_or_discarded(REPRISE_PASS(run({"get", "--raw", path})));
    if (answer.is_object()) return answer;
    return base::fail(base::ErrorCode::kCorrupt, "the API server's answer is no object");
  }
  [[nodiscard]] Result<std::vector<json>> list(const std::string& path) const {
    const json answer = REPRISE_PASS(get(path));
    const auto items = answer.find("items");
    if (items == answer.end() || !items->is_array())
      return base::fail(base::ErrorCode::kCorrupt, "the API server's answer is no list");
    return std::vector<json>(items->begin(), items->end());
  }
  // Of the context.
  [[nodiscard]] Result<std::string> own_namespace() const {
    const std::string told =
        REPRISE_PASS(run({"config", "view", "--minify", "--output=jsonpath={..namespace}"}));
    return told.empty() ? "default" : told;
  }

 private:
  [[nodiscard]] Result<std::string> run(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"kubectl"};
    words.insert(words.end(), words_.begin(), words_.end());
    words.insert(words.end(), more.begin(), more.end());
    const auto done =
        REPRISE_PASS(sys::run({.argv = words, .env = sys::default_environment()}, kAnswers));
    if (done.status.success()) return done.out;
    const auto code = done.err.contains("(NotFound)")    ? base::ErrorCode::kNotFound
                      : done.err.contains("(Forbidden)") ? base::ErrorCode::kDenied
                                                         : base::ErrorCode::kIo;
    return base::fail(code, "kubectl: " + sys::last_line(done.err));
  }

  std::vector<std::string> words_;
};

// What a command is asked, whom it asks, and where it answers.
struct Asked {
  Options options;
  Api api;
  std::ostream& out;
};

std::string checkpoints_path(const std::string& name_space) {
  return "/apis/reprise.dev/v1alpha1/namespaces/" + name_space + "/checkpoints";
}

// Empty where we are not let.
Result<std::optional<std::vector<json>>> list_if_let(const Api& api, const std::string& path) {
  auto listed = api.list(path);
  if (listed) return std::optional(std::move(*listed));
  if (listed.error().code() == base::ErrorCode::kDenied) return std::nullopt;
  return std::unexpected(std::move(listed).error());
}

Result<Surroundings> surroundings_of(const Api& api, const json& pod,
                                     const std::string& name_space) {
  Surroundings around;
  around.agents = REPRISE_PASS(list_if_let(api, "/api/v1/namespaces/reprise-system/pods"));
  around.checkpoints = REPRISE_PASS(list_if_let(api, checkpoints_path(name_space)));
  const auto facts = daemon::pod_facts(pod);
  if (facts && facts->lineage && facts->lineage->owner.kind == "Job") {
    const auto job =
        api.get("/apis/batch/v1/namespaces/" + name_space + "/jobs/" + facts->lineage->owner.name);
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
      asked.api.get("/api/v1/namespaces/" + name_space + "/pods/" + asked.options.pod));
  const Surroundings around = REPRISE_PASS(surroundings_of(asked.api, pod, name_space));
  const PodReport report = report_on(pod, around);
  if (asked.options.json)
    print_json(asked.out, report);
  else
    print_text(asked.out, report);
  return report.saved_on_disruption || report.saved_on_delete ? 0 : 1;
}

Result<int> lives(const Asked& asked) {
  const auto listed = REPRISE_PASS(asked.api.list(checkpoints_path(asked.options.name_space)));
  const auto history = history_of(asked.options.pod, listed);
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

Result<int> obey(const Options& given, std::ostream& out, Result<int> (*command)(const Asked&)) {
  Asked asked{.options = given, .api = Api(given), .out = out};
  if (given.name_space.empty()) asked.options.name_space = REPRISE_PASS(asked.api.own_namespace());
  return command(asked);
}

}  // namespace

bool is_called_so(const std::string& argument_zero) {
  return std::filesystem::path(argument_zero).filename() == "kubectl-reprise";
}

int run(std::vector<std::string> args, std::ostream& out, std::ostream& err) {
  Options options;
  CLI::App app("What a cluster knows of checkpoints of pods.", "kubectl reprise");
  app.set_version_flag("--version", REPRISE_VERSION);
  app.require_subcommand(1);
  app.add_option("-n,--namespace", options.name_space, "The pod's; else the context's");
  app.add_option("--kubeconfig", options.kubeconfig, "As for kubectl");
  app.add_option("--context", options.context, "As for kubectl");
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
  const Result<int> done = obey(options, out, *doctor_command ? doctor : lives);
  if (done) return *done;
  err << "kubectl-reprise: " << done.error().message() << "\n";
  if (!done.error().hint().empty()) err << "  hint: " << done.error().hint() << "\n";
  return base::exit_code(done.error().code());
}

}  // namespace reprise::kubectl
