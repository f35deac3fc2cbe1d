// SPDX-License-Identifier: Apache-2.0
#include "kubectl/subject.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace reprise::kubectl {
namespace {

using nlohmann::json;

TEST(SubjectTest, WhatItIsCalled) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"db-0", "pod 'db-0'"},
      {"pod/db-0", "pod 'db-0'"},
      {"deploy/web", "Deployment 'web'"},
      {"statefulset/db", "StatefulSet 'db'"},
      {"job/sum", "Job 'sum'"},
      {"node/n1.example", "node 'n1.example'"},
  };
  for (const auto& [text, words] : cases) {
    const auto subject = parse_subject(text);
    ASSERT_TRUE(subject) << text;
    EXPECT_EQ(to_text(*subject), words);
  }
  for (const char* text : {"", "pod/", "service/x", "../x", "pod/x/log", "x?y", "X", ".."}) {
    const auto refused = parse_subject(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code(), base::ErrorCode::kInvalidInput);
  }
}

TEST(SubjectTest, ItsPods) {
  EXPECT_EQ(label_query(json::parse(R"({"matchLabels": {"app": "web"}, "matchExpressions": [
    {"key": "tier", "operator": "In", "values": ["a", "b"]},
    {"key": "old", "operator": "DoesNotExist"}]})")),
            "labelSelector=app%3Dweb%2Ctier%20in%20%28a%2Cb%29%2C%21old");
  const auto web = *parse_subject("deployment/web");
  EXPECT_TRUE(is_made_by(json::parse(R"({"kind": "ReplicaSet", "name": "web-5d4"})"), web));
  EXPECT_FALSE(is_made_by(json::parse(R"({"kind": "ReplicaSet", "name": "web-2-5d4"})"), web));
  EXPECT_FALSE(is_made_by(json::parse(R"({"kind": "StatefulSet", "name": "web-5d4"})"), web));
  EXPECT_TRUE(
      is_made_by(json::parse(R"({"kind": "Job", "name": "sum"})"), *parse_subject("job/sum")));
}

}  // namespace
}  // namespace reprise::kubectl
