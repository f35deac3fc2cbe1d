// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_owner.h"

#include <string>

#include "json/lenient.h"

namespace reprise::kubectl {

using json_reader::child_of;
using nlohmann::json;

namespace {

bool say_job(Remarks& say, const json& job) {
  const char* remedy = "ignore condition DisruptionTarget in its podFailurePolicy";
  if (daemon::ignores_disruption(job)) return false;
  const json& limit = child_of(child_of(job, "spec"), "backoffLimit");
  const bool gives_up = limit.is_number_integer() && limit.get<std::int64_t>() == 0;
  if (gives_up)
    say.prevents(
        "the Job counts the saved pod as a failure, and makes none after it: its "
        "backoffLimit is 0",
        remedy);
  else
    say.mind("the Job counts the saved pod as a failure", remedy);
  return gives_up;
}

void say_alone(Remarks& say, const daemon::PodFacts& facts) {
  const char* remedy =
      "let a StatefulSet, Deployment or Job make it; annotation reprise.dev/on-delete: checkpoint "
      "keeps what it was, from which nobody goes on by itself";
  if (facts.wish.on_disruption && !facts.wish.on_delete)
    return say.prevents(
        "nobody makes this pod anew in a way that we know: it gets its signal, unless its state is "
        "kept also when it is deleted",
        remedy);
  say.mind("nobody makes this pod anew in a way that we know: what is saved waits for nobody",
           "let a StatefulSet, Deployment or Job make it");
}

}  // namespace

bool say_owner(Remarks& say, const daemon::PodFacts& facts, const std::optional<json>& controller,
               Verdict saved) {
  if (!facts.lineage) {
    say_alone(say, facts);
    return false;
  }
  const daemon::Owner& owner = facts.lineage->owner;
  if (owner.kind == "Job" && controller && say_job(say, *controller)) return true;
  if (saved != Verdict::kNo)
    say.fine((saved == Verdict::kUnknown ? "if it is saved, it goes on" : "it goes on") +
             std::string(" in the next pod of ") + owner.kind + " '" + owner.name + "'" +
             (facts.lineage->slot.empty() ? "" : " in place '" + facts.lineage->slot + "'"));
  return false;
}

}  // namespace reprise::kubectl
