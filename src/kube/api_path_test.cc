// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/api_path.h"

#include <gtest/gtest.h>

#include "kube/internal/refusal.h"

namespace reprise::kube {
namespace {

using base::ErrorCode;

TEST(ApiPath, IsTakenApart) {
  const ApiPath path =
      ApiPath::of("/apis/reprise.dev/v1alpha1/namespaces/x/checkpoints/y/status?force=true");
  EXPECT_EQ(path.group, "reprise.dev");
  EXPECT_EQ(path.version, "v1alpha1");
  EXPECT_EQ(path.namespace_, "x");
  EXPECT_EQ(path.rbac_resource(), "checkpoints/status");
  EXPECT_EQ(path.described(), "checkpoints/status 'x/y'");
}

TEST(ApiPath, OfTheCoreAndOfTheCluster) {
  EXPECT_EQ(ApiPath::of("/api/v1/pods?watch=true").described(), "pods");
  EXPECT_EQ(ApiPath::of("/api/v1/namespaces/x/pods").described(), "pods in namespace 'x'");
  EXPECT_EQ(ApiPath::of("/api/v1/namespaces/x").described(), "namespaces 'x'");
  EXPECT_EQ(ApiPath::of("/api/v1/nodes/n1/status").described(), "nodes/status 'n1'");
  EXPECT_EQ(ApiPath::of("/api/v1/namespaces/x/status").described(), "namespaces/status 'x'");
  EXPECT_EQ(ApiPath::of("").described(), "");
}

TEST(Refusal, OfARightThatLacksNamesVerbResourceNamespaceAndRemedy) {
  const auto error = refusal({.server = "https://a",
                              .verb = "create",
                              .path = "/apis/events.k8s.io/v1/namespaces/x/events"},
                             403, R"({"message":"events is forbidden: User \"u\" cannot"})");
  EXPECT_EQ(error.code(), ErrorCode::kDenied);
  EXPECT_EQ(error.message(),
            "cannot create events in namespace 'x': 'https://a' does not allow verb 'create' on "
            "'events' in namespace 'x': events is forbidden: User \"u\" cannot");
  EXPECT_TRUE(error.hint().contains(
      R"(apiGroups ["events.k8s.io"], resources ["events"], verbs ["create"])"));
}

TEST(Refusal, WhatTheServerSaysOfSomethingInvalidIsHandedOnInOneLine) {
  const auto error =
      refusal({.server = "https://a", .verb = "update", .path = "/api/v1/namespaces/x/pods/y"}, 422,
              R"({"kind":"Status","message":"spec: Forbidden:\n\tno"})");
  EXPECT_EQ(error.code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(error.message(), "cannot update pods 'x/y' (status 422): spec: Forbidden:  no");
}

// "404 page not found" of a kind that is not installed must not be taken for "no such object".
TEST(Refusal, AKindThatTheServerDoesNotKnowIsNotAnObjectThatIsNotThere) {
  const Asked asked{.server = "https://a",
                    .verb = "get",
                    .path = "/apis/reprise.dev/v1alpha1/namespaces/x/checkpoints/y"};
  EXPECT_EQ(refusal(asked, 404, "404 page not found\n").code(), ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(asked, 404, R"({"reason":"NotFound","details":{}})").code(),
            ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(asked, 404, R"({"reason":"NotFound","details":{"name":"y"}})").code(),
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::kube
