// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_annotations.h"

#include <gtest/gtest.h>

#include "oci/cri.h"

namespace reprise::kubectl {
namespace {

using nlohmann::json;

// What is said of a pod with this annotation, which is refused.
Remark refused(const char* name, const char* value) {
  Remarks say;
  EXPECT_FALSE(say_annotations(say, json{{"annotations", {{name, value}}}})) << name;
  const auto remarks = say.take();
  EXPECT_EQ(remarks.size(), 1U);
  EXPECT_TRUE(remarks.front().text.contains("no container of such a pod is ever made"));
  return remarks.front();
}

TEST(PodAnnotationsTest, AllThatAPodMayHave) {
  for (const PodAnnotation& one : kPodAnnotations) EXPECT_TRUE(oci::is_for_pods(one.name));
  const Remark mistyped = refused("reprise.dev/on-disuption", "checkpoint");
  for (const PodAnnotation& one : kPodAnnotations)
    EXPECT_TRUE(mistyped.remedy.contains(one.name)) << mistyped.remedy;
  for (const char* words : {"fill-volumes", "reprise.dev/key", "restored-from", "86400"})
    EXPECT_FALSE(mistyped.remedy.contains(words)) << mistyped.remedy;
}

TEST(PodAnnotationsTest, ValuesThatAreNone) {
  EXPECT_EQ(refused("reprise.dev/on-delete", "yes").remedy, "it can be `checkpoint` or `signal`");
  EXPECT_EQ(refused("reprise.dev/freeze-limit", "5m").remedy,
            "it can be whole seconds from `1` to `75`");
  EXPECT_TRUE(refused("reprise.dev/on-stop", "checkpoint").remedy.contains("on-disruption"));
  EXPECT_TRUE(refused("reprise.dev/key", "x").remedy.contains("on-disruption"));
}

}  // namespace
}  // namespace reprise::kubectl
