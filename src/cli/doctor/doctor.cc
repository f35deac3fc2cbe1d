// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor/doctor.h"

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/json.h"
#include "podman/client.h"

namespace reprise::cli {

using operations::Finding;
using operations::Health;

namespace {

struct Options {
  std::string container;
  bool json = false;
};

Result<int> run(const Options& options, Context& context) {
  std::vector<Finding> findings;
  if (options.container.empty()) {
    findings = operations::check_host(context.node);
  } else {
    const podman::ContainerInfo info = REPRISE_TRY(podman::inspect(options.container),
                                                   "cannot examine '" + options.container + "'");
    findings = operations::check_container(info, context.node);
  }
  if (!options.json) {
    const Health worst = print_findings(context.io.out, findings);
    return worst == Health::kFail ? kNotAsAsked : kDone;
  }
  Json records = Json::array();
  for (const Finding& finding : findings)
    records.push_back({{"health", operations::to_string(finding.health)},
                       {"subject", finding.subject},
                       {"text", finding.text},
                       {"remedy", finding.remedy}});
  print_json(context.io.out, {{"findings", std::move(records)}});
  const bool failed = std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.health == Health::kFail; });
  return failed ? kNotAsAsked : kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CONTAINER", options->container,
                       "examine this container instead of the host");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

Health print_findings(std::ostream& out, const std::vector<Finding>& findings) {
  Health worst = Health::kOk;
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.subject.size());
  for (const Finding& finding : findings) {
    std::string health(operations::to_string(finding.health));
    std::string subject = finding.subject;
    health.resize(6, ' ');
    subject.resize(width + 2, ' ');
    out << health << subject << finding.text << '\n';
    if (!finding.remedy.empty()) out << std::string(6, ' ') << "hint: " << finding.remedy << '\n';
    worst = std::max(worst, finding.health);
  }
  return worst;
}

constinit const Command kDoctor = {
    .path = "doctor",
    .summary = "Say what this host can do, or what keeps a container from being checkpointed",
    .details =
        R"(The exit status is 0 if nothing failed. Everything that would prevent a checkpoint comes with a
remedy.

Example:
  reprise doctor counter)",
    .configure = configure,
};

}  // namespace reprise::cli
