// SPDX-License-Identifier: Apache-2.0
#include "policy/ending.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

namespace reprise::policy {
namespace {

constexpr EndingWish kDisruption{.on_disruption = true};
constexpr EndingWish kDelete{.on_delete = true};
constexpr EndingWish kBoth{.on_disruption = true, .on_delete = true};

EndingFacts drained(EndingWish wish) {
  return {.wish = wish,
          .pod_known = true,
          .deleted = true,
          .disruption_target = true,
          .replaced = true};
}

struct Row {
  const char* what;
  EndingFacts facts;
  const char* disruption;  // what it is with on-disruption, with on-delete, and with both
  const char* deletion;
  const char* both;
};

// As docs/kubernetes.md says it.
std::vector<Row> rows() {
  EndingFacts deleted = drained({});
  deleted.disruption_target = false;
  EndingFacts probe = deleted;
  probe.deleted = false;
  EndingFacts bare = drained({});
  bare.replaced = false;
  EndingFacts bare_deleted = deleted;
  bare_deleted.replaced = false;
  EndingFacts init = drained({});
  init.init_container = true;
  EndingFacts half = drained({});
  half.is_half = true;
  EndingFacts unknown;
  return {
      {"preempted, drained, evicted, tainted", drained({}), "checkpoint", "checkpoint",
       "checkpoint"},
      {"the same, of a pod without a controller", bare, "signal", "checkpoint", "checkpoint"},
      {"deleted, rolled out, scaled down", deleted, "signal", "checkpoint", "checkpoint"},
      {"the same, of a pod without a controller", bare_deleted, "signal", "checkpoint",
       "checkpoint"},
      {"liveness or startup probe failed, started again", probe, "signal", "signal", "signal"},
      {"an init container, in any of these", init, "signal", "signal", "signal"},
      {"another container of the pod never ran, in any of these", half, "signal", "signal",
       "signal"},
      {"the agent or its knowledge is away", unknown, "signal", "signal", "signal"},
  };
}

std::string word(EndingFacts facts, EndingWish wish) {
  facts.wish = wish;
  return judge_ending(facts).ending == Ending::kCheckpoint ? "checkpoint" : "signal";
}

TEST(Ending, EachRow) {
  for (const Row& row : rows()) {
    EXPECT_EQ(word(row.facts, kDisruption), row.disruption) << row.what;
    EXPECT_EQ(word(row.facts, kDelete), row.deletion) << row.what;
    EXPECT_EQ(word(row.facts, kBoth), row.both) << row.what;
    EXPECT_EQ(word(row.facts, {}), "signal") << row.what;
  }
}

TEST(Ending, TheDocumentSaysTheSame) {
  std::ifstream file(REPRISE_KUBERNETES_MD);
  std::stringstream text;
  text << file.rdbuf();
  for (const Row& row : rows()) {
    const std::string line = std::string("| ") + row.what + " | " + row.disruption + " | " +
                             row.deletion + " | " + row.both + " |";
    EXPECT_NE(text.str().find(line), std::string::npos) << line;
  }
}

struct PolicyRow {
  const char* annotation;  // as docs/kubernetes.md says it
  const char* policy;
  const char* outcome;
  StatedWish pod;
  std::vector<EndingWish> policies;
};

std::vector<PolicyRow> policy_rows() {
  const StatedWish yes{.on_disruption = true, .on_delete = {}};
  const StatedWish no{.on_disruption = false, .on_delete = {}};
  return {
      {"none", "no policy selects the pod", "signal", {}, {}},
      {"none", "all that do say `Signal`", "signal", {}, {{}, kDelete}},
      {"none", "one that does says `Checkpoint`", "checkpoint", {}, {{}, kDisruption}},
      {"`checkpoint`", "any, or none", "checkpoint", yes, {{}}},
      {"`signal`", "any, or none", "signal", no, {kBoth}},
  };
}

TEST(Ending, TheAnnotationComesBeforeThePolicies) {
  for (const PolicyRow& row : policy_rows()) {
    const bool wanted = wish_of(row.pod, row.policies).on_disruption;
    EXPECT_EQ(wanted ? "checkpoint" : "signal", std::string(row.outcome))
        << row.annotation << " " << row.policy;
  }
  EXPECT_TRUE(wish_of({.on_disruption = false, .on_delete = {}}, {kBoth}).on_delete)
      << "each ending for itself";
}

TEST(Ending, TheDocumentSaysTheSameOfPolicies) {
  std::ifstream file(REPRISE_KUBERNETES_MD);
  std::stringstream text;
  text << file.rdbuf();
  for (const PolicyRow& row : policy_rows()) {
    const std::string line =
        std::string("| ") + row.annotation + " | " + row.policy + " | " + row.outcome + " |";
    EXPECT_NE(text.str().find(line), std::string::npos) << line;
  }
}

TEST(Ending, HalfAPodThatNobodyMakesAnewIsKept) {
  EndingFacts facts = drained(kDelete);
  facts.is_half = true;
  facts.replaced = false;
  EXPECT_EQ(judge_ending(facts).ending, Ending::kCheckpoint);
}

TEST(Ending, TheReasonTellsWhy) {
  EndingFacts facts = drained(kDisruption);
  EXPECT_EQ(judge_ending(facts).reason, "disrupted");
  facts.disruption_target = false;
  EXPECT_EQ(judge_ending(facts).reason, "deleted, not disrupted");
  facts.wish = kDelete;
  EXPECT_EQ(judge_ending(facts).reason, "deleted");
  facts.deleted = false;
  EXPECT_EQ(judge_ending(facts).reason, "the pod stays");
  facts.pod_known = false;
  EXPECT_EQ(judge_ending(facts).reason, "the pod is not known");
  facts.wish = {};
  EXPECT_EQ(judge_ending(facts).reason, "did not opt in");
}

}  // namespace
}  // namespace reprise::policy
