// SPDX-License-Identifier: Apache-2.0
#include "kube/events.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "kube/test_api_server.h"

namespace reprise::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

Event about(const std::string& note) {
  return {.about = {"v1", "Pod", "x", "web-0", "u1"},
          .type = EventType::kWarning,
          .reason = "ColdStart",
          .action = "Restoring",
          .note = note};
}

const EventsOptions kOptions{.instance = "n1", .recount = milliseconds{50}};

struct Posted {
  TestObjects objects;
  std::atomic<int> broken = 0;  // so many requests fail
  int status = 503;
  TestApiServer server{[this](const TestRequest& request) {
    return broken-- > 0 ? test_failure(status, "Trouble") : objects(request);
  }};
  std::unique_ptr<Client> client = server.client();
  std::mutex lock;
  std::vector<std::string> failures;

  std::unique_ptr<Events> start(EventsOptions options = kOptions) {
    return Events::start(*client, std::move(options), [this](const base::Error& why) {
      const std::scoped_lock hold(lock);
      failures.push_back(why.message());
    });
  }
  [[nodiscard]] std::vector<json> all() const {
    std::vector<json> result;
    for (const auto& [path, object] : objects.all()) result.push_back(object);
    return result;
  }
  std::size_t failed() {
    const std::scoped_lock hold(lock);
    return failures.size();
  }
};

TEST(Events, HaveAllThatTheServerAsksFor) {
  Posted posted;
  const auto events = posted.start();
  events->post(about("another image"));
  ASSERT_TRUE(test_wait([&] { return posted.all().size() == 1; }));
  const json event = posted.all()[0];
  EXPECT_TRUE(event["metadata"]["name"].get<std::string>().starts_with("web-0."));
  EXPECT_EQ(event["metadata"]["namespace"], "x");
  EXPECT_EQ(event["reportingController"], "reprise.dev/agent");
  EXPECT_EQ(event["reportingInstance"], "n1");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["reason"], "ColdStart");
  EXPECT_EQ(event["action"], "Restoring");
  EXPECT_EQ(event["note"], "another image");
  EXPECT_EQ(event["regarding"]["uid"], "u1");
  EXPECT_FALSE(event.contains("series"));
}

TEST(Events, TheSameIsCountedAndSomethingElseIsNot) {
  Posted posted;
  const auto events = posted.start();
  events->post(about("one"));
  ASSERT_TRUE(test_wait([&] { return posted.all().size() == 1; }));
  events->post(about("one"));
  events->post(about("one"));
  events->post(about("two"));
  const auto counts = [&] {
    std::map<std::string, int> found;
    for (const json& event : posted.all())
      found[event["note"]] = event.contains("series") ? event["series"]["count"].get<int>() : 1;
    return found;
  };
  EXPECT_TRUE(test_wait([&] {
    return counts() == std::map<std::string, int>{{"one", 3}, {"two", 1}};
  })) << testing::PrintToString(counts());
  EXPECT_EQ(posted.all().size(), 2U);
}

TEST(Events, AnEventThatTheServerHasForgottenIsMadeAnew) {
  Posted posted;
  const auto events = posted.start();
  events->post(about("one"));
  ASSERT_TRUE(test_wait([&] { return posted.all().size() == 1; }));
  posted.status = 404;
  posted.broken = 1;
  events->post(about("one"));
  ASSERT_TRUE(test_wait([&] { return posted.all().size() == 2; }));
}

TEST(Events, AreTriedAgainWhileTheServerIsAway) {
  Posted posted;
  posted.broken = 1;
  const auto events = posted.start();
  events->post(about("one"));
  EXPECT_TRUE(test_wait([&] { return posted.all().size() == 1; }));
  EXPECT_EQ(posted.failed(), 0U);
}

TEST(Events, WhatCannotBePostedIsToldOnce) {
  Posted posted;
  posted.status = 403;
  posted.broken = 1;
  const auto events = posted.start();
  events->post(about("one"));
  ASSERT_TRUE(test_wait([&] { return posted.failed() == 1; }));
  EXPECT_TRUE(
      posted.failures[0].starts_with("posting Event 'ColdStart' about 'web-0': cannot create"))
      << posted.failures[0];
}

TEST(Events, NobodyWaitsAndNoMoreThanTheQueueIsKept) {
  Posted posted;
  posted.server.go_away();
  auto options = kOptions;
  options.queue = 10;
  options.give_up = milliseconds{0};
  auto events = posted.start(options);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) events->post(about(std::to_string(i)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kTestSoon);
  ASSERT_TRUE(test_wait([&] { return posted.failed() >= 2; }));
  const std::scoped_lock hold(posted.lock);
  EXPECT_TRUE(std::ranges::any_of(posted.failures, [](const std::string& text) {
    return text.contains("Events were dropped: 10 were waiting");
  }));
}

TEST(Events, WhatWaitsIsPostedAtTheEndAndTheEndDoesNotHang) {
  Posted posted;
  auto options = kOptions;
  options.rest = kTestSoon;
  auto events = posted.start(options);
  events->post(about("last"));
  events.reset();
  EXPECT_EQ(posted.all().size(), 1U);
  const TestApiServer hanging([](const TestRequest&) {
    return TestAnswer{.stream = [](TestStream& out) {
      out.hold();
      return StreamEnd::kCut;
    }};
  });
  const auto client = hanging.client();
  events = Events::start(*client, kOptions);
  events->post(about("never"));
  const auto begun = std::chrono::steady_clock::now();
  events.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kTestSoon);
}

TEST(Events, ALongNoteIsCutBetweenCharacters) {
  Posted posted;
  const auto events = posted.start();
  events->post(about(std::string(1023, 'x') + "ä and more"));
  ASSERT_TRUE(test_wait([&] { return posted.all().size() == 1; }));
  EXPECT_EQ(posted.all()[0]["note"], std::string(1023, 'x'));
}

}  // namespace
}  // namespace reprise::kube
