// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "host/filling.h"
#include "host/identity.h"
#include "host/layout.h"
#include "network/network.h"
#include "network/network_baseline.h"
#include "network/network_setup.h"
#include "oci/runtime.h"
#include "oci/spec.h"
#include "operations/container/containers.h"
#include "operations/container/unnoticed.h"
#include "operations/diagnosis/findings.h"
#include "preflight/mount_sources.h"
#include "preflight/not_kept.h"
#include "preflight/obstacles.h"
#include "sys/file_lock.h"
#include "sys/namespaces.h"

namespace reprise::operations {

using base::Result;

namespace {

std::vector<Finding> check_standing(const podman::ContainerInfo& info, const Node& node) {
  std::vector<Finding> findings;
  if (runs_under_reprise(node, info))
    findings.push_back({Health::kOk, "runtime", "runs under Reprise", {}});
  else
    findings.push_back({Health::kFail, "runtime", "its OCI runtime is '" + info.oci_runtime + "'",
                        "start it with 'reprise run'"});
  if (is_opted_in(info))
    findings.push_back({Health::kOk, "annotation", "is checkpointed when it is stopped", {}});
  else
    findings.push_back({Health::kWarn, "annotation", "is not checkpointed when it is stopped",
                        "make it with --annotation reprise.dev/on-stop=checkpoint"});
  const std::vector<Unnoticed> unnoticed =
      info.has_tasks() ? std::vector<Unnoticed>() : find_unnoticed(oci::root_of({}), {info});
  const auto seen = std::ranges::find(unnoticed, info.id, &Unnoticed::id);
  if (seen != unnoticed.end())
    findings.push_back({Health::kFail, "state", seen->text(), seen->remedy()});
  else if (!info.has_tasks())
    findings.push_back({Health::kWarn, "state", "does not run (" + info.status + ")",
                        "start it, to examine its processes"});
  else if (info.status == "paused")
    findings.push_back({Health::kFail, "state", "is paused", "podman unpause " + info.name});
  else
    findings.push_back({Health::kOk, "state", info.status, {}});

  if (const auto missing =
          host::filling_progress(node.layout, host::identify({}, info.container())))
    findings.push_back({missing->trouble.empty() ? Health::kOk : Health::kFail, "memory",
                        "is being filled in after a restore: " + host::describe(*missing),
                        missing->trouble.empty() ? "" : "see 'reprise store verify'"});

  const std::filesystem::path lock = node.layout.lock_of(host::identify({}, info.container()));
  std::error_code error;
  if (std::filesystem::exists(lock, error) && !sys::FileLock::try_lock(lock))
    findings.push_back({Health::kWarn, "session", "a session is running on it",
                        "wait for it: 'reprise logs' lists sessions"});
  return findings;
}

// What a checkpoint would refuse, or say nothing of because it carries it.
std::vector<Finding> check_network(const podman::ContainerInfo& info, const host::Layout& layout) {
  const network::NetworkNamespace ns = "/proc/" + std::to_string(info.pid) + "/ns/net";
  const auto file = layout.network_baseline_of(host::identify({}, info.container()));
  const auto look = [&]() -> Result<std::vector<Finding>> {
    std::vector<Finding> findings;
    if (REPRISE_PASS(sys::is_own_network(ns))) return findings;
    const auto [before, change] = REPRISE_PASS(network::compare_with_baseline(ns, file));
    if (change.empty()) return findings;
    for (const std::string& lost : REPRISE_PASS(network::uncarriable(before, change)))
      findings.push_back({Health::kFail, "network", "has " + lost + ", which cannot be saved",
                          "have the program remove it before the checkpoint"});
    if (findings.empty())
      findings.push_back({Health::kOk, "network", "what programs set up in it is saved", {}});
    return findings;
  };
  const auto findings = look();
  if (findings) return *findings;
  return {{Health::kWarn, "network", findings.error().message(), findings.error().hint()}};
}

}  // namespace

std::vector<Finding> check_container(const podman::ContainerInfo& info, const Node& node) {
  std::vector<Finding> findings = check_standing(info, node);
  std::ranges::move(check_files(info), std::back_inserter(findings));
  if (!info.has_tasks()) return findings;
  std::ranges::move(check_network(info, node.layout), std::back_inserter(findings));
  const auto spec = oci::load_spec(info.directory);
  const preflight::Examination seen = preflight::examine(
      "/proc", info.pid, {.spec = spec ? &*spec : nullptr, .bundle = info.directory});
  if (!spec) findings.push_back({Health::kWarn, "specification", spec.error().message(), {}});
  for (const preflight::Obstacle& gone : preflight::missing_sources(spec ? *spec : oci::Spec()))
    findings.push_back({Health::kWarn, gone.subject, gone.text, gone.remedy});
  for (const preflight::Obstacle& obstacle : seen.obstacles)
    findings.push_back({Health::kFail, obstacle.subject, obstacle.text, obstacle.remedy});
  for (const preflight::SeenLoss& loss : preflight::seen_losses(info.pid, preflight::Losses::kAll))
    findings.push_back({Health::kInfo,
                        loss.subject,
                        "does not come back: " + std::string(loss.row->what) + ": " +
                            std::string(loss.row->becomes),
                        {}});
  if (seen.obstacles.empty())
    findings.push_back({Health::kOk,
                        "processes",
                        std::to_string(seen.processes) + " examined, no obstacle seen",
                        {}});
  return findings;
}

}  // namespace reprise::operations
