// SPDX-License-Identifier: Apache-2.0
#include "kube/lease.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kube/internal/micro_time.h"
#include "kube/test_api_server.h"

namespace reprise::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kDuty = "/apis/coordination.k8s.io/v1/namespaces/reprise/leases/duty";

LeaseOptions of(const std::string& who) {
  return {.namespace_ = "reprise",
          .name = "duty",
          .identity = who,
          .duration = milliseconds{1000},
          .renewal = milliseconds{100}};
}

// So long that another can get it only because it was given back.
LeaseOptions long_of(const std::string& who) {
  LeaseOptions options = of(who);
  options.duration = seconds{60};
  options.release = seconds{60};
  return options;
}

struct Cluster {
  TestObjects objects;
  std::atomic<bool> swaps = true;  // whether anything can be written
  TestApiServer server{[this](const TestRequest& request) {
    return swaps || request.method == "GET" ? objects(request)
                                            : test_failure(503, "ServiceUnavailable");
  }};
  std::unique_ptr<Client> client = server.client();

  [[nodiscard]] json spec() const {
    const auto all = objects.all();
    return all.contains(kDuty) ? all.at(kDuty).at("spec") : json();
  }
};

TEST(Lease, IsMadeHeldAndGivenBack) {
  Cluster cluster;
  auto lease = Lease::start(*cluster.client, long_of("one"));
  ASSERT_TRUE(test_wait([&] { return lease->is_held(); }));
  EXPECT_EQ(cluster.spec()["holderIdentity"], "one");
  EXPECT_EQ(cluster.spec()["leaseDurationSeconds"], 60);
  const std::string renewed = cluster.spec()["renewTime"];
  ASSERT_TRUE(test_wait([&] { return cluster.spec()["renewTime"] != renewed; }));
  const auto other = Lease::start(*cluster.client, long_of("two"));
  lease.reset();
  EXPECT_NE(cluster.spec()["holderIdentity"], "one");
  ASSERT_TRUE(test_wait([&] { return other->is_held(); }));
  EXPECT_EQ(cluster.spec()["leaseTransitions"], 1);
}

// The end cuts the renewal off, and nobody knew any more that it was ours.
TEST(Lease, IsGivenBackAlsoWhileItIsRenewed) {
  TestObjects objects;
  std::atomic<bool> hangs = false;
  const TestApiServer server([&](const TestRequest& request) {
    TestAnswer answer = objects(request);
    if (request.method == "PUT" && hangs.exchange(false))
      answer.stream = [](TestStream& out) {
        out.hold();
        return StreamEnd::kCut;
      };
    return answer;
  });
  const auto client = server.client();
  auto lease = Lease::start(*client, long_of("one"));
  ASSERT_TRUE(test_wait([&] { return lease->is_held(); }));
  hangs = true;
  ASSERT_TRUE(test_wait([&] { return !hangs; }));
  lease.reset();
  EXPECT_EQ(objects.all().at(kDuty)["spec"]["holderIdentity"], "");
}

// Whatever the clocks of the others say: what counts is how long nothing has changed here.
TEST(Lease, OfAnotherIsTakenWhenItHasNotBeenRenewedForItsTime) {
  Cluster cluster;
  cluster.objects.set(kDuty, {{"metadata", {{"name", "duty"}}},
                              {"spec",
                               {{"holderIdentity", "dead"},
                                {"leaseDurationSeconds", 1},
                                {"renewTime", "1999-01-01T00:00:00.000000Z"}}}});
  const auto begun = std::chrono::steady_clock::now();
  const auto lease = Lease::start(*cluster.client, of("one"));
  ASSERT_TRUE(test_wait([&] { return lease->is_held(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, seconds{1});
}

TEST(Lease, IsHeldByOneAtMost) {
  Cluster cluster;
  std::vector<std::unique_ptr<Lease>> leases;
  for (const char* who : {"one", "two", "three"})
    leases.push_back(Lease::start(*cluster.client, long_of(who)));
  int turns = 0;
  ASSERT_TRUE(test_wait([&] {
    const auto held = [](const auto& lease) { return lease && lease->is_held(); };
    EXPECT_LE(std::ranges::count_if(leases, held), 1);
    const auto holder = std::ranges::find_if(leases, held);
    if (holder != leases.end()) {
      holder->reset();
      ++turns;
    }
    return turns == 3;
  }));
}

// The one that cannot renew stops before the other may begin.
TEST(Lease, IsLostBeforeAnotherMayTakeIt) {
  Cluster cluster;
  std::atomic<int> lost = 0;
  LeaseOptions options = of("one");
  options.duration = milliseconds{3000};
  const auto lease = Lease::start(*cluster.client, options, [&](bool held, const auto* why) {
    if (!held && why != nullptr) ++lost;
  });
  ASSERT_TRUE(test_wait([&] { return lease->is_held(); }));
  cluster.swaps = false;
  const auto renewed = std::chrono::steady_clock::now();
  auto last_held = renewed;
  ASSERT_TRUE(test_wait([&] {
    const auto now = std::chrono::steady_clock::now();
    if (lease->is_held()) last_held = now;
    return last_held != now;
  }));
  EXPECT_LT(last_held - renewed, milliseconds{3000});
  ASSERT_TRUE(test_wait([&] { return lost == 1; }));
  cluster.swaps = true;
  EXPECT_TRUE(test_wait([&] { return lease->is_held(); }));
}

TEST(Lease, WhatAnotherHasTakenIsNotHeldAnyMore) {
  Cluster cluster;
  const auto lease = Lease::start(*cluster.client, of("one"));
  ASSERT_TRUE(test_wait([&] { return lease->is_held(); }));
  cluster.objects.set(kDuty, {{"metadata", {{"name", "duty"}}},
                              {"spec", {{"holderIdentity", "two"}, {"leaseDurationSeconds", 60}}}});
  EXPECT_TRUE(test_wait([&] { return !lease->is_held(); }));
  EXPECT_EQ(cluster.spec()["holderIdentity"], "two");
}

TEST(Lease, EndsSoonWhileTheServerHangs) {
  TestObjects objects;
  std::atomic<bool> hangs = false;
  const TestApiServer server([&](const TestRequest& request) {
    if (!hangs) return objects(request);
    return TestAnswer{.stream = [](TestStream& out) {
      out.hold();
      return StreamEnd::kCut;
    }};
  });
  const auto client = server.client();
  auto lease = Lease::start(*client, of("one"));
  ASSERT_TRUE(test_wait([&] { return lease->is_held(); }));
  hangs = true;
  const std::size_t before = server.requests().size();
  ASSERT_TRUE(test_wait([&] { return server.requests().size() > before; }));
  const auto begun = std::chrono::steady_clock::now();
  lease.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kTestSoon);
}

TEST(MicroTime, HasSixDigits) {
  using std::chrono::microseconds;
  EXPECT_EQ(micro_time(std::chrono::system_clock::time_point(microseconds{1'000'042})),
            "1970-01-01T00:00:01.000042Z");
}

}  // namespace
}  // namespace reprise::kube
