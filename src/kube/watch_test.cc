// SPDX-License-Identifier: Apache-2.0
#include "kube/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "kube/test_api_server.h"

namespace reprise::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kPods = "/api/v1/namespaces/x/pods";
constexpr WatchPace kQuick{.renewal = seconds{60},
                           .overdue = seconds{1},
                           .silence = seconds{60},
                           .backoff = milliseconds{20},
                           .longest_backoff = milliseconds{100}};

std::string named(const json& object) {
  const json& metadata = object.at("metadata");
  return metadata.at("name").get<std::string>() + "@" +
         metadata.at("resourceVersion").get<std::string>();
}

// Writes down what it is told.
class Recorder final : public Listener {
 public:
  void on_list(std::vector<json> all) override {
    std::string text = "list";
    for (const json& object : all) text += " " + named(object);
    note(text);
  }
  void on_change(json object) override {
    EXPECT_FALSE(object["metadata"].contains("managedFields"));
    note("change " + named(object));
  }
  void on_remove(json object) override { note("remove " + named(object)); }
  void on_state(bool in_step, const base::Error* why) override {
    EXPECT_EQ(in_step, why == nullptr);
    note(in_step ? "in step" : "out of step");
  }
  [[nodiscard]] std::vector<std::string> notes() const {
    const std::scoped_lock hold(lock_);
    return notes_;
  }
  [[nodiscard]] bool has(const std::vector<std::string>& notes) const {
    return test_wait([&] { return this->notes().size() >= notes.size(); }) &&
           this->notes() == notes;
  }

 private:
  void note(std::string text) {
    const std::scoped_lock hold(lock_);
    notes_.push_back(std::move(text));
  }
  mutable std::mutex lock_;
  std::vector<std::string> notes_;
};

using Streamer = std::function<StreamEnd(TestStream&)>;

TestAnswer streaming(Streamer stream) { return {.stream = std::move(stream)}; }

StreamEnd hold(TestStream& out) {
  out.hold();
  return StreamEnd::kCut;
}

// Lists and watches are answered in turn; one beyond the last says nothing.
struct Script {
  std::deque<TestAnswer> lists, watches;
  Streamer beyond = hold;
  std::mutex lock;

  TestAnswer operator()(const TestRequest& request) {
    const std::scoped_lock hold_it(lock);
    auto& answers = request.query.contains("watch=true") ? watches : lists;
    if (answers.empty()) return streaming(beyond);
    TestAnswer answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
};

// What a listener is told of a script.
struct Watched {
  Script script;
  TestApiServer server{[this](const TestRequest& request) { return script(request); }};
  std::unique_ptr<Client> client = server.client();
  Recorder recorder;
  std::unique_ptr<Watch> watch;

  void start(WatchPace pace = kQuick, const ListOptions& options = {}) {
    {
      const std::scoped_lock handed_over(script.lock);
    }  // what the thread sanitizer understands
    watch = Watch::start(*client, kPods, options, recorder, pace);
  }
  [[nodiscard]] std::vector<TestRequest> watches() const {
    std::vector<TestRequest> result;
    for (TestRequest& request : server.requests())
      if (request.query.contains("watch=true")) result.push_back(std::move(request));
    return result;
  }
};

using Notes = std::vector<std::string>;

TEST(Watch, ListsAndFollows) {
  Watched test;
  test.script.lists = {test_answer(test_list({test_object("a", "1")}, "5"))};
  test.script.watches = {streaming([](TestStream& out) {
    out.send_event("ADDED", test_object("b", "6"));
    out.send_event("MODIFIED", test_object("a", "7"));
    out.send_event("DELETED", test_object("b", "8"));
    return hold(out);
  })};
  test.start(kQuick, {.label_selector = "a=b", .field_selector = "spec.nodeName=n1"});
  EXPECT_TRUE(
      test.recorder.has(Notes{"list a@1", "in step", "change b@6", "change a@7", "remove b@8"}));
  const auto query = test.watches().at(0).query;
  EXPECT_TRUE(query.contains("resourceVersion=5&"));
  EXPECT_TRUE(query.contains("allowWatchBookmarks=true"));
  EXPECT_TRUE(query.contains("labelSelector=a%3Db&fieldSelector=spec.nodeName%3Dn1"));
}

TEST(Watch, EventsAreTheSameHoweverTheStreamIsCut) {
  Watched test;
  json big = test_object("big", "9");
  big["spec"]["text"] = std::string(std::size_t{2} << 20, 'x');
  test.script.lists = {test_answer(test_list({}, "5"))};
  test.script.watches = {streaming([&big](TestStream& out) {
    const auto line = [](const std::string& type, const json& object) {
      return json{{"type", type}, {"object", object}}.dump() + "\n";
    };
    const std::string two = line("ADDED", test_object("a", "6")) +
                            line("BOOKMARK", test_object("", "7")) +
                            line("ADDED", test_object("b", "8"));
    out.send(two);  // several in one chunk
    const std::string text = line("ADDED", big) + line("DELETED", test_object("a", "10"));
    for (std::size_t at = 0; at < text.size(); at += 300'007) out.send(text.substr(at, 300'007));
    return hold(out);
  })};
  test.start();
  EXPECT_TRUE(test.recorder.has(
      Notes{"list", "in step", "change a@6", "change b@8", "change big@9", "remove a@10"}));
}

// In the middle of a line: what was whole is known, and asked for from there.
TEST(Watch, GoesOnAfterABreakWhereItWas) {
  Watched test;
  test.script.lists = {test_answer(test_list({}, "5"))};
  test.script.watches = {streaming([](TestStream& out) {
                           out.send_event("ADDED", test_object("a", "6"));
                           out.send_event("BOOKMARK", test_object("", "44"));
                           out.send(R"({"type":"ADDED","obj)");
                           return StreamEnd::kCut;
                         }),
                         test_failure(503, "ServiceUnavailable"), streaming([](TestStream& out) {
                           out.send_event("ADDED", test_object("b", "45"));
                           return hold(out);
                         })};
  test.start();
  EXPECT_TRUE(test.recorder.has(
      Notes{"list", "in step", "change a@6", "out of step", "in step", "change b@45"}));
  const auto watches = test.watches();
  ASSERT_EQ(watches.size(), 3U);
  EXPECT_TRUE(watches[1].query.contains("resourceVersion=44&"));
  EXPECT_TRUE(watches[2].query.contains("resourceVersion=44&"));
}

// The server ends each watch after timeoutSeconds; that is no news.
TEST(Watch, AnEndThatTheServerMakesIsNotTold) {
  Watched test;
  test.script.lists = {test_answer(test_list({}, "5"))};
  test.script.watches = {streaming([](TestStream&) { return StreamEnd::kWhole; }),
                         streaming([](TestStream& out) {
                           out.send_event("ADDED", test_object("a", "6"));
                           return hold(out);
                         })};
  test.start();
  EXPECT_TRUE(test.recorder.has(Notes{"list", "in step", "change a@6"}));
}

json expired() {
  return {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}};
}

// 410, as an answer and as an event; what went meanwhile is told, also where another has its name.
TEST(Watch, ListsAgainWhenTheHistoryIsGone) {
  const std::vector<TestAnswer> ways{test_failure(410, "Expired"), streaming([](TestStream& out) {
                                       out.send_event("ERROR", expired());
                                       return StreamEnd::kWhole;
                                     })};
  for (const TestAnswer& way : ways) {
    Watched test;
    test.script.lists = {
        test_answer(test_list(
            {test_object("a", "1"), test_object("b", "2"), test_object("c", "3", "one")}, "5")),
        test_answer(test_list({test_object("a", "1"), test_object("c", "7", "another")}, "9"))};
    test.script.watches = {streaming([](TestStream& out) {
                             out.send_event("ADDED", test_object("d", "6"));
                             return StreamEnd::kWhole;
                           }),
                           way};
    test.start();
    ASSERT_TRUE(test_wait([&] { return test.watches().size() == 3; }));
    Notes notes = test.recorder.notes();
    std::erase(notes, "out of step");
    std::erase(notes, "in step");
    EXPECT_EQ(notes, (Notes{"list a@1 b@2 c@3", "change d@6", "remove b@2", "remove c@3",
                            "remove d@6", "list a@1 c@7"}));
    EXPECT_TRUE(test.watches()[2].query.contains("resourceVersion=9&"));
  }
}

// After its database was restored a server may know less than we do.
TEST(Watch, ListsAgainWhenTheServerHasAnotherHistory) {
  Watched test;
  test.script.lists = {test_answer(test_list({}, "500")), test_answer(test_list({}, "9"))};
  json status = json::parse(test_failure(504, "Timeout").body);
  status["details"]["causes"] = {{{"reason", "ResourceVersionTooLarge"}}};
  test.script.watches = {test_answer(status, 504)};
  test.start();
  ASSERT_TRUE(test_wait([&] { return test.watches().size() == 2; }));
  EXPECT_TRUE(test.watches()[1].query.contains("resourceVersion=9&"));
}

TEST(Watch, WhatItMayNotIsToldOnceAndTriedAgain) {
  Watched test;
  test.script.lists = {test_failure(403, "Forbidden"), test_failure(403, "Forbidden"),
                       test_answer(test_list({test_object("a", "1")}, "5"))};
  test.start();
  EXPECT_TRUE(test.recorder.has(Notes{"out of step", "list a@1", "in step"}));
}

TEST(Watch, AServerThatGoesAndComesBackIsFollowedOn) {
  Watched test;
  test.script.lists = {test_answer(test_list({test_object("a", "1")}, "5"))};
  test.start();
  ASSERT_TRUE(test.recorder.has(Notes{"list a@1", "in step"}));
  test.server.go_away();
  ASSERT_TRUE(test.recorder.has(Notes{"list a@1", "in step", "out of step"}));
  test.server.come_back();
  EXPECT_TRUE(test.recorder.has(Notes{"list a@1", "in step", "out of step", "in step"}));
}

// The ones after it may be taken for dead, too, where the host is slow.
TEST(Watch, ThatDiesSilentlyIsNoticed) {
  Watched test;
  WatchPace pace = kQuick;
  pace.silence = seconds{1};
  test.script.lists = {test_answer(test_list({}, "5"))};
  test.script.watches = {streaming(hold)};
  test.script.beyond = [](TestStream& out) {
    out.send_event("ADDED", test_object("a", "6"));
    return hold(out);
  };
  test.start(pace);
  EXPECT_TRUE(test_wait([&] {
    const Notes notes = test.recorder.notes();
    const auto noticed = std::ranges::find(notes, "out of step");
    return std::find(noticed, notes.end(), "change a@6") != notes.end();
  }));
}

TEST(Watch, EndsSoonHoweverTheServerHangs) {
  for (const bool hangs_in_list : {true, false}) {
    Watched test;
    test.script.lists = {hangs_in_list ? streaming(hold)
                                       : test_answer(test_list({test_object("a", "1")}, "5"))};
    test.start();
    ASSERT_TRUE(
        test_wait([&] { return test.server.requests().size() == (hangs_in_list ? 1 : 2); }));
    const auto begun = std::chrono::steady_clock::now();
    test.watch.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begun, kTestSoon);
  }
}

}  // namespace
}  // namespace reprise::kube
