// SPDX-License-Identifier: Apache-2.0
#include "oci/cri.h"

#include <gtest/gtest.h>

namespace reprise::oci {
namespace {

const Annotations kContainerd = {{"io.kubernetes.cri.container-type", "container"},
                                 {"io.kubernetes.cri.container-name", "app"},
                                 {"io.kubernetes.cri.sandbox-name", "web-0"},
                                 {"io.kubernetes.cri.sandbox-namespace", "shop"},
                                 {"io.kubernetes.cri.sandbox-uid", "0b3e"},
                                 {"reprise.dev/on-disruption", "checkpoint"}};

TEST(Cri, ContainerOfContainerd) {
  const auto found = pod_container(kContainerd);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, PodContainer::Kind::kContainer);
  EXPECT_EQ(found->name_space, "shop");
  EXPECT_EQ(found->pod, "web-0");
  EXPECT_EQ(found->uid, "0b3e");
  EXPECT_EQ(found->container, "app");
  EXPECT_EQ(key_name(*found).str(), "pod:0b3e:app");
  EXPECT_EQ(full_name(*found), "shop/web-0/app");
}

TEST(Cri, SandboxHasNoKey) {
  Annotations annotations = kContainerd;
  annotations["io.kubernetes.cri.container-type"] = "sandbox";
  const auto found = pod_container(annotations);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, PodContainer::Kind::kSandbox);
  EXPECT_TRUE(key_name(*found).empty());
}

// CRI-O copies what the user wrote, so containerd's names prove nothing there.
TEST(Cri, CrioIsNotDeceivedByAnnotationsOfThePod) {
  Annotations annotations = kContainerd;
  annotations["io.kubernetes.cri-o.ContainerType"] = "container";
  annotations["io.kubernetes.pod.namespace"] = "mine";
  annotations["io.kubernetes.pod.name"] = "p";
  annotations["io.kubernetes.pod.uid"] = "77";
  annotations["io.kubernetes.container.name"] = "c";
  const auto found = pod_container(annotations);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name_space, "mine");
  EXPECT_EQ(key_name(*found).str(), "pod:77:c");
}

TEST(Cri, PodmansContainersAreOfNoPod) {
  EXPECT_FALSE(pod_container({{"reprise.dev/on-stop", "checkpoint"}}));
}

TEST(Cri, WithoutAUidThereIsNoKey) {
  EXPECT_TRUE(key_name(PodContainer{.container = "app"}).empty());
  EXPECT_TRUE(key_name(PodContainer{.uid = "a/b", .container = "app"}).empty());
}

TEST(Cri, WhatAUserOfTheClusterMaySay) {
  EXPECT_TRUE(check_pod_annotations(kContainerd));
  for (const char* name : {"reprise.dev/key", "reprise.dev/fill-volumes",
                           "reprise.dev/restored-from", "reprise.dev/on-stop"}) {
    Annotations annotations = kContainerd;
    annotations[name] = name == std::string("reprise.dev/on-stop") ? "checkpoint" : "x";
    const auto checked = check_pod_annotations(annotations);
    ASSERT_FALSE(checked) << name;
    EXPECT_NE(checked.error().message().find(name), std::string::npos);
    EXPECT_FALSE(checked.error().hint().empty());
  }
}

// Under Podman they had no effect, and nobody said so.
TEST(Cri, WhatOnlyPodsHaveAUseForIsRefusedToOthers) {
  for (const char* name : {"reprise.dev/on-disruption", "reprise.dev/on-delete"}) {
    const auto checked = check_own_annotations({{name, "checkpoint"}});
    ASSERT_FALSE(checked) << name;
    EXPECT_TRUE(checked.error().hint().contains("'reprise.dev/on-stop: checkpoint'"));
  }
  EXPECT_TRUE(check_own_annotations({{"reprise.dev/on-stop", "checkpoint"}}));
}

TEST(Cri, AMisspeltAnnotationOfAPodIsToldThoseOfPods) {
  Annotations annotations = kContainerd;
  annotations["reprise.dev/on-disruptoin"] = "checkpoint";
  const auto checked = check_pod_annotations(annotations);
  ASSERT_FALSE(checked);
  EXPECT_TRUE(checked.error().hint().contains("'reprise.dev/on-disruption'"));
  EXPECT_FALSE(checked.error().hint().contains("fill-volumes")) << checked.error().hint();
}

}  // namespace
}  // namespace reprise::oci
