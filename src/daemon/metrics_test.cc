// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "daemon/filling_metrics.h"
#include "daemon/session_metrics.h"
#include "host/filling.h"
#include "sys/test_directory.h"

namespace reprise::daemon {
namespace {

// As a scraper reads it: each value by its name with labels; every line is one of the format's.
std::map<std::string, double> parse(const std::string& text) {
  static const std::regex sample(
      R"re(([a-z_]+)(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.e+-]+))re");
  static const std::regex comment(R"(# (HELP|TYPE) ([a-z_]+) .+)");
  std::map<std::string, double> found;
  std::set<std::string> described;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (std::regex_match(line, parts, comment)) {
      described.insert(parts[2]);
      continue;
    }
    EXPECT_TRUE(std::regex_match(line, parts, sample)) << line;
    const std::string name =
        std::regex_replace(parts[1].str(), std::regex("_(bucket|sum|count)$"), "");
    EXPECT_TRUE(described.contains(name)) << line;
    EXPECT_TRUE(found.emplace(parts[1].str() + parts[2].str(), std::stod(parts[5])).second) << line;
  }
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  return found;
}

TEST(MetricsTest, CountersAndGauges) {
  Metrics metrics;
  EXPECT_EQ(metrics.text(), "");
  metrics.add("reprise_answers_total", {{"question", "ending"}, {"answer", "checkpoint"}});
  metrics.add("reprise_answers_total", {{"question", "ending"}, {"answer", "checkpoint"}});
  metrics.add("reprise_checkpoint_bytes_total", {}, 5e12);
  metrics.set("reprise_checkpoints", {{"phase", "Promised"}}, 3);
  metrics.set("reprise_checkpoints", {{"phase", "Promised"}}, 2);
  auto found = parse(metrics.text());
  EXPECT_EQ(found.at(R"(reprise_answers_total{question="ending",answer="checkpoint"})"), 2);
  EXPECT_EQ(found.at("reprise_checkpoint_bytes_total"), 5e12);
  EXPECT_EQ(found.at(R"(reprise_checkpoints{phase="Promised"})"), 2);
  metrics.clear("reprise_checkpoints");
  EXPECT_FALSE(parse(metrics.text()).contains(R"(reprise_checkpoints{phase="Promised"})"));
}

TEST(MetricsTest, WhatContainersStillMissIsMeasured) {
  const sys::TestDirectory directory;
  const host::Layout layout{
      .store = directory.path() / "store", .run = directory.path() / "run", .runc = {}};
  host::WorkerRequest request;
  request.session = base::SessionId("sess00000001");
  request.container = base::ContainerId("c1");
  request.what = host::RestoreRequest{.bundle = "/bundle",
                                      .checkpoint = base::CheckpointId("ckpt00000001"),
                                      .globals = {},
                                      .options = {}};
  Metrics metrics;
  {
    const auto lock = host::note_filling(layout, request);
    ASSERT_TRUE(lock) << lock.error().message();
    ASSERT_TRUE(host::report_filling(layout, host::identity_of(request),
                                     {.missing = 3 << 20, .filled = 1 << 20, .trouble = {}}));
    ASSERT_TRUE(measure_fillings(metrics, layout));
    EXPECT_EQ(parse(metrics.text()).at("reprise_filling_containers"), 1);
    EXPECT_EQ(parse(metrics.text()).at("reprise_filling_missing_bytes"), 3 << 20);
    host::forget_filling(layout, host::identity_of(request));
  }
  ASSERT_TRUE(measure_fillings(metrics, layout));
  EXPECT_EQ(parse(metrics.text()).at("reprise_filling_containers"), 0);
  EXPECT_EQ(parse(metrics.text()).at("reprise_filling_missing_bytes"), 0);
}

TEST(MetricsTest, AHistogramIsCumulative) {
  Metrics metrics;
  for (const double seconds : {0.02, 0.3, 500.0})
    metrics.observe("reprise_session_seconds", {{"session", "restore"}}, seconds);
  const auto found = parse(metrics.text());
  EXPECT_EQ(found.at(R"(reprise_session_seconds_bucket{session="restore",le="0.01"})"), 0);
  EXPECT_EQ(found.at(R"(reprise_session_seconds_bucket{session="restore",le="0.025"})"), 1);
  EXPECT_EQ(found.at(R"(reprise_session_seconds_bucket{session="restore",le="120"})"), 2);
  EXPECT_EQ(found.at(R"(reprise_session_seconds_bucket{session="restore",le="+Inf"})"), 3);
  EXPECT_EQ(found.at(R"(reprise_session_seconds_count{session="restore"})"), 3);
  EXPECT_NEAR(found.at(R"(reprise_session_seconds_sum{session="restore"})"), 500.32, 1e-9);
}

TEST(MetricsTest, ALabelThatWouldEndTheLine) {
  Metrics metrics;
  metrics.set("reprise_build_info", {{"version", "a\"b\\c\nd"}}, 1);
  EXPECT_EQ(parse(metrics.text()).count(R"(reprise_build_info{version="a\"b\\c\nd"})"), 1U);
}

catalog::SessionRow session(catalog::SessionKind kind, catalog::SessionStatus status,
                            const std::string& phases) {
  return {.kind = kind,
          .trigger = kind == catalog::SessionKind::kCheckpoint ? "stop" : "",
          .begin = 1000,
          .end = status == catalog::SessionStatus::kRunning ? 0 : 1450,
          .status = status,
          .phases = phases};
}

TEST(SessionMetricsTest, WhatASessionTells) {
  using catalog::SessionKind;
  using catalog::SessionStatus;
  Metrics metrics;
  count_session(
      metrics,
      session(SessionKind::kCheckpoint, SessionStatus::kOk, R"({"admit":5,"dump":200,"seal":40})"),
      4096);
  count_session(
      metrics, session(SessionKind::kCheckpoint, SessionStatus::kFailed, R"({"admit":5,"dump":7})"),
      0);
  count_session(metrics, session(SessionKind::kRestore, SessionStatus::kFailed, "no json"), 0);
  const auto found = parse(metrics.text());
  EXPECT_EQ(found.at(R"(reprise_sessions_total{session="checkpoint",trigger="stop",outcome="ok"})"),
            1);
  EXPECT_EQ(
      found.at(R"(reprise_sessions_total{session="restore",trigger="create",outcome="failed"})"),
      1);
  EXPECT_EQ(found.at(R"(reprise_session_failures_total{session="checkpoint",phase="dump"})"), 1);
  EXPECT_EQ(found.at(R"(reprise_session_failures_total{session="restore",phase="unknown"})"), 1);
  EXPECT_EQ(found.at(R"(reprise_phase_seconds_sum{session="checkpoint",phase="seal"})"), 0.04);
  EXPECT_EQ(found.at(R"(reprise_session_seconds_sum{session="checkpoint"})"), 0.9);
  EXPECT_EQ(found.at("reprise_checkpoint_bytes_total"), 4096);
}

}  // namespace
}  // namespace reprise::daemon
