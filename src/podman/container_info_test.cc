// SPDX-License-Identifier: Apache-2.0
#include "podman/container_info.h"

#include <gtest/gtest.h>

#include "sys/files.h"

namespace reprise::podman {
namespace {

using base::ErrorCode;

// testdata/inspect.json is what Podman 5.4.2 said about two containers, unchanged.
std::vector<ContainerInfo> golden() {
  const auto text = sys::read_file(PODMAN_TEST_DATA "/inspect.json");
  EXPECT_TRUE(text) << text.error().message();
  auto parsed = parse_inspect(*text);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return *std::move(parsed);
}

TEST(ParseInspect, ReadsARunningContainer) {
  const std::vector<ContainerInfo> all = golden();
  ASSERT_EQ(all.size(), 2U);
  const ContainerInfo& info = all[0];
  EXPECT_EQ(info.id, "cb21bb02ff86d6e4125ddc0a6ec3b3b0c318f6363446aa62c6e64eff230d1ead");
  EXPECT_EQ(info.name, "cli-golden");
  EXPECT_EQ(info.status, "running");
  EXPECT_TRUE(info.has_tasks());
  EXPECT_EQ(info.pid, 14569);
  EXPECT_EQ(base::to_iso8601(info.started), "2026-11-23T23:44:37Z");
  EXPECT_EQ(info.started % 1000, 861);
  EXPECT_EQ(info.finished, 0);
  EXPECT_EQ(info.image_name, "localhost/reprise-test/base:1");
  EXPECT_EQ(info.image_id, "45e8255f632e021f1e86af24ce52f1c9f0faaf88138c22019b1d9f55073cfe2b");
  EXPECT_EQ(info.oci_runtime, "runc");
  EXPECT_EQ(info.create_command.size(), 22U);
  EXPECT_EQ(info.create_command.at(4), "-dit");
  EXPECT_EQ(info.command,
            (std::vector<std::string>{"python3", "-uc", "import time\ntime.sleep(1000)"}));
  EXPECT_EQ(info.annotations.at("reprise.dev/on-stop"), "checkpoint");
  ASSERT_EQ(info.mounts.size(), 1U);
  EXPECT_EQ(info.mounts[0].type, "bind");
  EXPECT_EQ(info.mounts[0].destination, "/data");
  EXPECT_EQ(info.restart_policy, "on-failure");
  EXPECT_EQ(info.stop_timeout_s, 20);
  EXPECT_TRUE(info.terminal);
  EXPECT_FALSE(info.auto_remove);
}

TEST(ParseInspect, ReadsAContainerThatHasEnded) {
  const std::vector<ContainerInfo> all = golden();
  ASSERT_EQ(all.size(), 2U);
  const ContainerInfo& info = all[1];
  EXPECT_EQ(info.status, "exited");
  EXPECT_FALSE(info.has_tasks());
  EXPECT_EQ(info.exit_code, 3);
  EXPECT_GE(info.finished, info.started);
  EXPECT_FALSE(info.annotations.contains("reprise.dev/on-stop"));
}

TEST(ParseInspect, TreatsNullFieldsAsEmpty) {
  const auto parsed = parse_inspect(
      R"([{"Id":"a1","Name":null,"State":{"Status":"created","Pid":"x"},"Config":null}])");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->at(0).name, "");
  EXPECT_EQ(parsed->at(0).pid, 0);
  EXPECT_TRUE(parsed->at(0).create_command.empty());
}

TEST(ParseInspect, RefusesOtherText) {
  for (const char* text : {"", "{", "{}", "null", "[1]", R"([{"Id":"a"}])"}) {
    const auto parsed = parse_inspect(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt) << text;
  }
}

TEST(ParseInspect, WhatIsNestedDeepIsNoDescription) {
  const std::string nested = std::string(3'000'000, '[') + std::string(3'000'000, ']');
  EXPECT_FALSE(parse_inspect(R"([{"Id":"a","State":{"Status":"running"},"x":)" + nested + "}]"));
  EXPECT_FALSE(parse_container_config(R"({"id":"a","x":)" + nested + "}"));
}

TEST(ParseContainerConfig, ReadsWhatIsNeededToMakeItAgain) {
  const auto info = parse_container_config(
      R"({"spec":{"annotations":{"reprise.dev/key":"web"}},"id":"a1","name":"web",)"
      R"("CreateCommand":["podman","run","img","sh"],"rootfsImageID":"f1",)"
      R"("rootfsImageName":"localhost/img:1","command":["sh"],)"
      R"("labels":{"PODMAN_SYSTEMD_UNIT":"web.service"},"runtime":"reprise"})");
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->name, "web");
  EXPECT_EQ(info->image_id, "f1");
  EXPECT_EQ(info->create_command.size(), 4U);
  EXPECT_EQ(info->annotations.at("reprise.dev/key"), "web");
  EXPECT_EQ(info->labels.at("PODMAN_SYSTEMD_UNIT"), "web.service");
  for (const char* text : {"", "[]", "{}", R"({"id":1})"})
    EXPECT_FALSE(parse_container_config(text)) << text;
}

TEST(ParseTime, UnderstandsWhatPodmanWrites) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01.25Z"), 1250);
  EXPECT_EQ(parse_time("1970-01-01T02:00:01+02:00"), 1000);
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.123456789-00:30"), 1'800'123);
  EXPECT_EQ(parse_time("0001-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time(""), 0);
  EXPECT_EQ(parse_time("yesterday at noon, or so"), 0);
}

}  // namespace
}  // namespace reprise::podman
