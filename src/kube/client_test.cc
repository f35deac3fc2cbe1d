// SPDX-License-Identifier: Apache-2.0
#include "kube/client.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kube/test_api_server.h"

namespace reprise::kube {
namespace {

using base::ErrorCode;
using nlohmann::json;

const std::string kPods = "/api/v1/namespaces/x/pods";
const std::string kPod = kPods + "/it";

// Answers in turn, the last one for ever.
TestApiServer::Handler in_turn(std::vector<TestAnswer> answers) {
  return [answers = std::move(answers),
          next = std::make_shared<std::atomic<std::size_t>>(0)](const TestRequest&) {
    return answers[std::min(next->fetch_add(1), answers.size() - 1)];
  };
}

TEST(KubeClient, GetsAnObjectWithoutWhatNobodyNeeds) {
  const TestApiServer server(in_turn({test_answer(test_object("it", "7"))}));
  const auto pod = server.client()->get(kPod);
  ASSERT_TRUE(pod) << pod.error().message();
  EXPECT_EQ((*pod)["metadata"]["name"], "it");
  EXPECT_FALSE((*pod)["metadata"].contains("managedFields"));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].path, kPod);
  EXPECT_EQ(requests[0].authorization, "Bearer first");
}

TEST(KubeClient, ListsInChunksAndFromTheBeginningWhenTheHistoryIsGone) {
  const TestApiServer server(
      in_turn({test_answer(test_list({test_object("a", "1")}, "5", "to be/continued")),
               test_failure(410, "Expired"),
               test_answer(test_list({test_object("a", "1"), test_object("b", "2")}, "9"))}));
  const auto all = server.client()->list(
      kPods, {.label_selector = "app in (a,b)", .field_selector = "", .chunk = 1});
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->resource_version, "9");
  ASSERT_EQ(all->items.size(), 2U);
  EXPECT_EQ(all->items[1]["kind"], "Pod");
  EXPECT_EQ(all->items[1]["apiVersion"], "v1");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].query, "labelSelector=app%20in%20%28a%2Cb%29&limit=1");
  EXPECT_TRUE(requests[1].query.ends_with("limit=1&continue=to%20be%2Fcontinued"));
  EXPECT_FALSE(requests[2].query.contains("limit"));
}

TEST(KubeClient, WhatIsWrittenArrivesAsItShould) {
  const TestApiServer server(in_turn({test_answer(test_object("it", "8"))}));
  const auto client = server.client();
  const json object = test_object("it", "7");
  EXPECT_TRUE(client->create(kPods, object));
  EXPECT_TRUE(client->update(kPod, object));
  EXPECT_TRUE(client->update_status(kPod, object));
  EXPECT_TRUE(client->merge(kPod, {{"a", nullptr}}));
  EXPECT_TRUE(client->apply(kPod, object, "the agent"));
  EXPECT_TRUE(client->remove(kPod, {.uid = "u", .resource_version = "7"}));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 6U);
  EXPECT_EQ(requests[0].method + " " + requests[0].path, "POST " + kPods);
  EXPECT_EQ(json::parse(requests[0].body), object);
  EXPECT_EQ(requests[1].method + " " + requests[1].path, "PUT " + kPod);
  EXPECT_EQ(requests[2].method + " " + requests[2].path, "PUT " + kPod + "/status");
  EXPECT_EQ(requests[3].type, "application/merge-patch+json");
  EXPECT_EQ(requests[3].body, R"({"a":null})");
  EXPECT_EQ(requests[4].type, "application/apply-patch+yaml");
  EXPECT_EQ(requests[4].query, "force=true&fieldManager=the%20agent");
  EXPECT_EQ(requests[5].method, "DELETE");
  EXPECT_EQ(json::parse(requests[5].body)["preconditions"],
            (json{{"uid", "u"}, {"resourceVersion", "7"}}));
}

TEST(KubeClient, AnUpdateWithoutVersionIsNoSwap) {
  const TestApiServer server(in_turn({test_answer(test_object("it", "8"))}));
  json object = test_object("it", "7");
  object["metadata"].erase("resourceVersion");
  EXPECT_EQ(server.client()->update(kPod, object).error().code(), ErrorCode::kInvalidInput);
  EXPECT_TRUE(server.requests().empty());
}

TEST(KubeClient, EachRefusalHasItsCode) {
  const std::vector<std::pair<TestAnswer, ErrorCode>> cases{
      {test_failure(400, "BadRequest"), ErrorCode::kInvalidInput},
      {test_failure(401, "Unauthorized"), ErrorCode::kDenied},
      {test_failure(403, "Forbidden"), ErrorCode::kDenied},
      {test_failure(404, "NotFound"), ErrorCode::kNotFound},
      {test_failure(404, "NotFound", ""), ErrorCode::kUnsupported},
      {test_failure(409, "AlreadyExists"), ErrorCode::kGone},
      {test_failure(409, "Conflict"), ErrorCode::kGone},
      {test_failure(422, "Invalid"), ErrorCode::kInvalidInput},
      {test_failure(429, "TooManyRequests"), ErrorCode::kBusy},
      {test_failure(500, "InternalError"), ErrorCode::kBusy},
      {test_failure(503, "ServiceUnavailable"), ErrorCode::kBusy},
      {{.status = 200, .body = "[]"}, ErrorCode::kCorrupt},
      {{.status = 200, .body = "{"}, ErrorCode::kCorrupt}};
  for (const auto& [answer, code] : cases) {
    const TestApiServer server(in_turn({answer}));
    const auto result = server.client()->create(kPods, test_object("it", ""));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), code) << answer.body << ": " << result.error().message();
    EXPECT_EQ(is_conflict(result.error()), code == ErrorCode::kGone);
    EXPECT_FALSE(result.error().details().contains("first"));  // the token
  }
}

TEST(KubeClient, WhatMayPassIsTriedAgainWhereTwiceIsAsGoodAsOnce) {
  const std::vector<TestAnswer> answers{test_failure(503, "ServiceUnavailable"),
                                        test_failure(500, "InternalError"),
                                        test_answer(test_object("it", "7"))};
  const TestApiServer server(in_turn(answers));
  EXPECT_TRUE(server.client()->get(kPod));
  EXPECT_EQ(server.requests().size(), 3U);
  const TestApiServer other(in_turn(answers));
  EXPECT_EQ(other.client()->update(kPod, test_object("it", "7")).error().code(), ErrorCode::kBusy);
  EXPECT_EQ(other.requests().size(), 1U);
}

TEST(KubeClient, ComesBackWhenTheServerSaysSo) {
  TestAnswer slow_down = test_failure(429, "TooManyRequests");
  slow_down.headers = {{"Retry-After", "1"}};
  const TestApiServer server(in_turn({slow_down, test_answer(test_object("it", "7"))}));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(server.client()->create(kPods, test_object("it", "")));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::seconds{1});
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(KubeClient, ATokenThatWasReplacedIsReadWhenTheOldOneIsRefused) {
  const TestApiServer server([](const TestRequest& request) {
    return request.authorization == "Bearer second" ? test_answer(test_object("it", "7"))
                                                    : test_failure(401, "Unauthorized");
  });
  const auto client = server.client();
  EXPECT_EQ(client->get(kPod).error().code(), ErrorCode::kDenied);
  std::ofstream(server.token_file()) << "second";
  EXPECT_TRUE(client->get(kPod));
  EXPECT_TRUE(client->create(kPods, test_object("it", "")));
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(KubeClient, AServerThatIsAwayIsBusyAndComesBack) {
  TestApiServer server(in_turn({test_answer(test_object("it", "7"))}));
  const auto client = server.client();
  EXPECT_TRUE(client->get(kPod));
  server.go_away();
  EXPECT_EQ(client->get(kPod).error().code(), ErrorCode::kBusy);
  server.come_back();
  EXPECT_TRUE(client->get(kPod));
}

TEST(KubeClient, AStopEndsACallSoon) {
  std::atomic<bool> stop = false;
  const TestApiServer server([&stop](const TestRequest&) {
    stop = true;
    return TestAnswer{.stream = [](TestStream& out) {
      out.hold();
      return StreamEnd::kCut;
    }};
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto result = server.client()->get(kPod, &stop);
  EXPECT_EQ(result.error().code(), ErrorCode::kBusy);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kTestSoon);
}

TEST(KubeClient, AnotherAuthorityIsNotTrusted) {
  const TestApiServer server(in_turn({test_answer(test_object("it", "7"))}));
  const TestApiServer other(in_turn({test_answer(test_object("it", "7"))}));
  Access access = server.access();
  access.ca_file = other.access().ca_file;
  const auto client = Client::open(access, "test", TestApiServer::fast());
  ASSERT_TRUE(client);
  EXPECT_EQ((*client)->get(kPod).error().code(), ErrorCode::kDenied);
}

}  // namespace
}  // namespace reprise::kube
