// SPDX-License-Identifier: Apache-2.0
//
// What the agent answers the runtime wrapper, out of what it knows.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "catalog/catalog.h"
#include "daemon/cluster_view.h"
#include "daemon/fetches.h"
#include "daemon/holds.h"
#include "daemon/judged_endings.h"
#include "daemon/pod_events.h"
#include "host/agent_message.h"
#include "kube/client.h"
#include "store/store_config.h"

namespace reprise::daemon {

// Told why somebody waits; false: he does not, any more.
using Waiting = std::function<bool(const host::Wait& wait)>;

// For any number of threads.
class Answers {
 public:
  // All outlive it. `endings` is told what was judged a checkpoint. `moving` is held by whoever has
  // what a pod claimed go on in it, or takes it back. `holds`: for how long a pod waits where it is
  // not known what it goes on from.
  Answers(kube::Client& client, ClusterView& view, JudgedEndings& endings, Fetches& fetches,
          PodEvents& events, std::mutex& moving, Holds& holds, store::StoreConfig store,
          std::string node)
      : client_(client),
        view_(view),
        endings_(endings),
        fetches_(fetches),
        events_(events),
        moving_(moving),
        holds_(holds),
        store_(std::move(store)),
        node_(std::move(node)) {}

  // Whether the ending of a pod's container is a checkpoint, from memory: at once if it is; 0.8 s
  // later if not, since the pod may have been deleted just now.
  [[nodiscard]] host::Ending ending(const host::WillEnd& question);

  // What a container goes on from, as a GoOn: claims it for the container's pod, and waits until it
  // is here. TryLater if it takes longer, if it is not known what there is (then for a limited
  // time), or if the pod rather fails. Whatever else fails, the container begins anew, and the
  // reason says so.
  [[nodiscard]] host::AgentAnswer go_on(const host::WillCreate& question, const Waiting& waiting);

  // What policies of the cluster, and the pod's own annotations, want of it, as a PolicyWish: from
  // memory. TryLater while the API server has not told, for a sandbox for a limited time.
  [[nodiscard]] host::AgentAnswer wish(const host::WhatIsWished& question);

  // Whether a container of `pod` (null: it is not known) goes on with the others of the pod or
  // begins anew with them. Not so init containers, such as are added later, and those that had
  // ended where it goes on from. Pure.
  [[nodiscard]] static bool is_bound(const PodFacts* pod,
                                     const std::vector<CheckpointObject>& checkpoints,
                                     const std::string& container);

  // Where a container went on that had claimed something.
  void note(const host::Created& created);

 private:
  [[nodiscard]] std::optional<PodFacts> pod_that_ends(const std::string& uid) const;
  // Whether it is certain that another container of the pod never ran in it.
  [[nodiscard]] bool is_half(const PodFacts& pod, oci::PodContainer other) const;
  base::Result<host::AgentAnswer> find(const host::WillCreate& question, const Waiting& waiting);
  base::Result<host::AgentAnswer> find_for(const PodFacts& pod, const host::WillCreate& question,
                                           const Waiting& waiting);
  // nullopt: what was left for the pod's place is nobody's, or was gone on from. An error: it is
  // lost, and the pod begins anew.
  base::Result<std::optional<host::TryLater>> await_predecessor(const PodFacts& pod,
                                                                const Waiting& waiting);
  // What people should know before the pod ends.
  void tell_hooks(const PodFacts& pod, oci::PodContainer of);
  // Whether there is something to claim, as far as is known.
  [[nodiscard]] bool has_some(const PodFacts& pod, const std::string& container) const;
  // For a pod's sandbox: the fetch begins, and what takes long is waited for here, since the
  // kubelet tries a sandbox as often as it takes, but a container of some pods once.
  base::Result<host::AgentAnswer> prepare(const PodFacts& pod, const Waiting& waiting);
  // Whether the container of a pod was started before, in this pod.
  [[nodiscard]] base::Result<bool> has_run(const base::ContainerKey& key) const;
  // Of the same pod, and why; empty: none.
  [[nodiscard]] base::Result<std::string> who_began_anew(const CheckpointObject& checkpoint,
                                                         const host::WillCreate& question) const;
  base::Result<std::optional<CheckpointObject>> claim(const PodFacts& pod,
                                                      const std::string& container);
  base::Result<std::variant<CheckpointObject, host::TryLater>> await(
      const CheckpointObject& checkpoint, const PodFacts& pod, const std::string& container,
      const Waiting& waiting);
  // nullopt: it is here, or will be in a time of `enough`; else what is to be answered.
  base::Result<std::optional<host::TryLater>> fetch(const CheckpointObject& checkpoint,
                                                    const PodFacts& pod, const Waiting& waiting,
                                                    std::chrono::milliseconds enough = {});
  // kGone and kDenied: the container begins anew; else it is not known whether it may go on.
  base::Result<void> take_over(const CheckpointObject& checkpoint, const SavedContainer& container,
                               const PodFacts& pod, const base::ContainerKey& key);
  // That from now on tasks of the pod may run, said before any does.
  base::Result<void> begin(const CheckpointObject& checkpoint, const PodFacts& pod);
  base::Result<void> check_claim(const CheckpointObject& checkpoint, const PodFacts& pod);
  static base::Result<void> check_unused(catalog::Catalog& catalog, const base::CheckpointId& id);
  // TryLater, as long as the pod may be held for that; else an error: it begins anew.
  base::Result<host::TryLater> later(const std::string& uid, const PodFacts* pod,
                                     const std::string& why);
  // Success, or which keys are wanted.
  [[nodiscard]] base::Result<void> check_key(const CheckpointObject& checkpoint) const;
  // For another node, or another time: nobody has gone on from it yet.
  void let_go(const CheckpointObject& checkpoint, const PodFacts& pod);
  // Withdraws it, if it is the pod's, which begins anew.
  void give_up(const CheckpointObject& checkpoint, const PodFacts& pod, const std::string& why);

  kube::Client& client_;
  ClusterView& view_;
  JudgedEndings& endings_;
  Fetches& fetches_;
  PodEvents& events_;
  std::mutex& moving_;
  Holds& holds_;
  store::StoreConfig store_;
  std::string node_;
};

}  // namespace reprise::daemon
