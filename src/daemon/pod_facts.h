// SPDX-License-Identifier: Apache-2.0
//
// What we want to know of a pod, out of its object in the API. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "policy/ending.h"

namespace reprise::daemon {

// Who makes pods anew: a ReplicaSet, a StatefulSet, a Job.
struct Owner {
  std::string api_version, kind, name, uid;
  bool operator==(const Owner&) const = default;
};

// Which pods may go on for each other: those of one owner, of one template, in one place of several
// that are not alike. In a namespace.
struct Lineage {
  Owner owner;
  std::string template_hash;  // empty where an owner has one template only (a Job)
  // A pod's name (StatefulSet), index (indexed Job) or node (DaemonSet); empty: all are alike.
  std::string slot;
  bool operator==(const Lineage&) const = default;
};

struct PodFacts {
  std::string name_space, name, uid, node;
  std::string runtime_class;       // empty: the cluster's default
  std::optional<Lineage> lineage;  // nullopt: nobody makes it anew, as far as we know
  bool deleted = false;
  bool disruption_target = false;
  std::string disruption;  // its reason: "PreemptionByScheduler"
  bool ended = false;      // all containers have
  bool has_run = false;    // some container was started
  // What its annotations say; and what follows from them and, once asked (ClusterView), policies.
  policy::StatedWish stated;
  policy::EndingWish wish;
  std::map<std::string, std::string> labels;
  std::string priority_class;
  bool is_tried_once = false;  // restartPolicy Never: what cannot be made now never runs
  bool fails_rather = false;   // says that it is never to begin anew where it cannot go on
  bool begins_rather = false;  // says that it is to begin anew, rather than wait for who knows what
  std::vector<std::string> init_containers;  // sidecars are none
  std::vector<std::string> running;          // containers, sidecars among them
  std::vector<std::string> own;              // all containers and sidecars that it names
  // Of these such as have not run in this pod yet: they cannot be made, or wait to go on.
  std::vector<std::string> missing;
  std::map<std::string, std::string> container_ids;  // the container runtime's, by name
  std::vector<std::string> with_pre_stop;            // containers, sidecars among them

  [[nodiscard]] policy::EndingFacts ending_of(const std::string& container) const;
  // Those whose ending now is a checkpoint; with them, such as are missing: of a pod all are saved,
  // or none.
  [[nodiscard]] std::vector<std::string> to_checkpoint() const;
};

// nullopt for what is no pod.
std::optional<PodFacts> pod_facts(const nlohmann::json& pod);

// Whether a Job does not count a pod as a failure that was disrupted, and so one that was saved.
bool ignores_disruption(const nlohmann::json& job);

}  // namespace reprise::daemon
