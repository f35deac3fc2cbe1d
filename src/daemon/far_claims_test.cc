// SPDX-License-Identifier: Apache-2.0
#include "daemon/far_claims.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <functional>
#include <mutex>
#include <vector>

#include "json/reader.h"

namespace reprise::daemon {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// An API server that knows one pod at most, and takes every status.
class FarClaimsTest : public testing::Test {
 protected:
  FarClaimsTest() {
    server_.Get("/api/v1/namespaces/shop/pods/db-0", [this](const httplib::Request&,
                                                            httplib::Response& answer) {
      const std::lock_guard hold(lock_);
      ++asked_;
      answer.status = pod_.is_null() ? 404 : 200;
      const json none{{"kind", "Status"}, {"details", {{"name", "db-0"}}}};
      answer.set_content(pod_.is_null() ? none.dump() : pod_.dump(), "application/json");
    });
    server_.Get("/api/v1/nodes/n2", [this](const httplib::Request&, httplib::Response& answer) {
      const std::lock_guard hold(lock_);
      ++asked_for_node_;
      answer.status = node_.is_null() ? 404 : 200;
      const json none{{"kind", "Status"}, {"details", {{"name", "n2"}}}};
      answer.set_content(node_.is_null() ? none.dump() : node_.dump(), "application/json");
    });
    server_.Put(R"(/apis/reprise\.dev/.*)",
                [this](const httplib::Request& request, httplib::Response& answer) {
                  const std::lock_guard hold(lock_);
                  written_.push_back(json_reader::parse(request.body));
                  answer.set_content(request.body, "application/json");
                });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    client_ =
        kube::Client::open({.server = "http://127.0.0.1:" + std::to_string(port_)}, "test").value();
    view_ = std::make_unique<ClusterView>(*client_, "n1");
  }
  ~FarClaimsTest() override {
    view_.reset();
    server_.stop();
    thread_.join();
  }

  // What n1 saved, claimed by pod db-0 of n2.
  void learn(const std::function<void(json& status)>& change = nullptr) {
    json status{
        {"phase", "Claimable"},
        {"claimedBy", {{"pod", "db-0"}, {"podUID", "u2"}, {"node", "n2"}, {"begun", false}}},
        {"containers", {{{"name", "app"}, {"checkpoint", "saved"}}}}};
    if (change) change(status);
    view_->learn(
        {{"metadata",
          {{"name", "db-0-0b3e0000"},
           {"namespace", "shop"},
           {"uid", "c1"},
           {"resourceVersion", "1"}}},
         {"spec",
          {{"pod", "db-0"}, {"podUID", "0b3e0000-1"}, {"node", "n1"}, {"containers", {"app"}}}},
         {"status", status}});
  }
  void pod_is(const std::string& uid, const std::string& phase = "Pending") {
    const std::lock_guard hold(lock_);
    pod_ = {{"metadata", {{"name", "db-0"}, {"namespace", "shop"}, {"uid", uid}}},
            {"status", {{"phase", phase}}}};
  }
  std::vector<json> written() {
    const std::lock_guard hold(lock_);
    return written_;
  }
  void node_is(const json& spec) {
    const std::lock_guard hold(lock_);
    node_ = {{"metadata", {{"name", "n2"}}}, {"spec", spec}};
  }
  int asked_for_node() {
    const std::lock_guard hold(lock_);
    return asked_for_node_;
  }
  int asked() {
    const std::lock_guard hold(lock_);
    return asked_;
  }
  static void wait_for(const std::function<bool()>& condition, const char* what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(5));
    EXPECT_TRUE(condition()) << what;
  }
  void expect_released() {
    const FarClaims claims(*client_, *view_, "n1", milliseconds(20));
    wait_for([&] { return !written().empty(); }, "the claim to be released");
    ASSERT_FALSE(written().empty());
    EXPECT_FALSE(written().front()["status"].contains("claimedBy"));
    EXPECT_EQ(written().front()["status"]["phase"], "Claimable");
  }

  std::mutex lock_;
  json pod_, node_;
  int asked_ = 0;
  int asked_for_node_ = 0;
  std::vector<json> written_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<ClusterView> view_;
};

TEST_F(FarClaimsTest, OfAPodThatIsGoneIsLetGo) {
  learn();
  expect_released();
}

TEST_F(FarClaimsTest, OfAPodThatWasMadeAnewAsWell) {
  pod_is("u3");
  learn();
  expect_released();
}

TEST_F(FarClaimsTest, OfAPodThatHasEndedAsWell) {
  pod_is("u2", "Failed");
  learn();
  expect_released();
}

TEST_F(FarClaimsTest, NotOfAPodThatIsThere) {
  pod_is("u2");
  learn();
  const FarClaims claims(*client_, *view_, "n1", milliseconds(5));
  wait_for([&] { return asked() > 5; }, "the pod to be asked for");
  EXPECT_TRUE(written().empty());
}

// The next pod of its place waited for ten minutes, and began anew without a word of what was lost.
TEST_F(FarClaimsTest, OfAPodThatHadBegunOnANodeThatIsGoneForGoodIsWithdrawn) {
  const auto begun = [](json& status) { status["claimedBy"]["begun"] = true; };
  const auto older_agents = [](json& status) { status["claimedBy"].erase("begun"); };
  for (const bool is_tainted : {false, true}) {
    if (is_tainted)
      node_is({{"taints", {{{"key", "node.kubernetes.io/out-of-service"}, {"value", "x"}}}}});
    learn(is_tainted ? std::function<void(json&)>(begun) : older_agents);
    written_.clear();
    const FarClaims claims(*client_, *view_, "n1", milliseconds(20));
    wait_for([&] { return !written().empty(); }, "it to be withdrawn");
    const json status = written().front()["status"];
    EXPECT_EQ(status["phase"], "Withdrawn");
    EXPECT_EQ(status["claimedBy"]["lost"], true);
    EXPECT_NE(status["message"].dump().find("whether it ran nobody knows"), std::string::npos);
    EXPECT_NE(status["message"].dump().find("keeps saved"), std::string::npos);
  }
}

TEST_F(FarClaimsTest, NotWhileItsNodeMayComeBack) {
  node_is({{"taints", {{{"key", "node.kubernetes.io/unreachable"}}}}});
  learn([](json& status) { status["claimedBy"]["begun"] = true; });
  const FarClaims claims(*client_, *view_, "n1", milliseconds(5));
  wait_for([&] { return asked_for_node() > 5; }, "the node to be asked for");
  EXPECT_TRUE(written().empty());
}

TEST_F(FarClaimsTest, NorWhileThePodIsThere) {
  pod_is("u2");
  learn([](json& status) { status["claimedBy"]["begun"] = true; });
  const FarClaims claims(*client_, *view_, "n1", milliseconds(5));
  wait_for([&] { return asked() > 5; }, "the pod to be asked for");
  EXPECT_TRUE(written().empty());
}

TEST_F(FarClaimsTest, WhatItHadGoneOnFromIsConsumed) {
  learn([](json& status) {
    status["claimedBy"]["begun"] = true;
    status["containers"][0]["resumed"] = true;
  });
  const FarClaims claims(*client_, *view_, "n1", milliseconds(20));
  wait_for([&] { return !written().empty(); }, "it to be settled");
  EXPECT_EQ(written().front()["status"]["phase"], "Consumed");
}

TEST(FarClaims, WhoComesAfterIsTold) {
  json object{{"metadata",
               {{"name", "db-0-0b3e0000"},
                {"namespace", "shop"},
                {"uid", "c1"},
                {"creationTimestamp", "2026-01-01T00:00:00Z"}}},
              {"spec",
               {{"pod", "db-0"},
                {"podUID", "0b3e0000-1"},
                {"node", "n1"},
                {"containers", {"app"}},
                {"slot", "db-0"},
                {"owner", {{"uid", "o"}}}}},
              {"status",
               {{"phase", "Claimable"},
                {"claimedBy", {{"pod", "db-0"}, {"podUID", "u2"}, {"node", "n2"}, {"begun", true}}},
                {"containers", {{{"name", "app"}, {"checkpoint", "saved"}}}}}}};
  CheckpointObject lost = read_checkpoint(object).value();
  const PodFacts next{
      .name_space = "shop",
      .name = "db-0",
      .uid = "u3",
      .lineage = Lineage{.owner = {.uid = "o"}, .template_hash = {}, .slot = "db-0"}};
  EXPECT_EQ(lost_of_place({lost}, next), nullptr) << "it is claimed";
  set_lost(lost, "which is no more");
  const std::vector<CheckpointObject> all{read_checkpoint(lost.object).value()};
  ASSERT_NE(lost_of_place(all, next), nullptr);
  object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:09Z";
  object["metadata"]["uid"] = "c2";
  EXPECT_EQ(lost_of_place({all.front(), read_checkpoint(object).value()}, next), nullptr)
      << "there is a newer one";
}

TEST(FarClaims, NotWherePartOfItMayHaveRun) {
  json object{
      {"metadata", {{"name", "db-0-0b3e0000"}, {"namespace", "shop"}, {"uid", "c1"}}},
      {"spec",
       {{"pod", "db-0"}, {"podUID", "0b3e0000-1"}, {"node", "n1"}, {"containers", {"app"}}}},
      {"status",
       {{"phase", "Claimable"},
        {"claimedBy", {{"pod", "db-0"}, {"podUID", "u2"}, {"node", "n2"}, {"begun", false}}},
        {"containers", {{{"name", "app"}, {"checkpoint", "saved"}}}}}}};
  const auto may = [&](const std::function<void(json & status)>& change) {
    json changed = object;
    change(changed["status"]);
    return may_let_go(read_checkpoint(changed).value(), "n1");
  };
  EXPECT_TRUE(may([](json&) {}));
  EXPECT_FALSE(may_let_go(read_checkpoint(object).value(), "n3")) << "another node's";
  EXPECT_FALSE(may([](json& status) { status["claimedBy"]["begun"] = true; }));
  EXPECT_FALSE(may([](json& status) { status["claimedBy"].erase("begun"); })) << "an older agent";
  EXPECT_FALSE(may([](json& status) { status["claimedBy"]["node"] = "n1"; })) << "it knows itself";
  EXPECT_FALSE(may([](json& status) { status["containers"][0]["resumed"] = true; }));
  EXPECT_FALSE(may([](json& status) { status["phase"] = "Consumed"; }));
  EXPECT_FALSE(may([](json& status) { status.erase("claimedBy"); }));
}

}  // namespace
}  // namespace reprise::daemon
