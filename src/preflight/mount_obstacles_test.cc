// SPDX-License-Identifier: Apache-2.0
#include "preflight/mount_obstacles.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "oci/spec.h"
#include "sys/test_directory.h"

namespace reprise::preflight {
namespace {

sys::Mount mount(const char* place, const char* type, const char* device) {
  return {.device = device,
          .root = "/",
          .mount_point = place,
          .mount_options = "rw",
          .type = type,
          .source = "none",
          .super_options = "rw"};
}

oci::Spec with_bind() {
  oci::Spec spec;
  spec.mounts = {{.destination = "/host", .type = "bind", .source = "/", .options = {}},
                 {.destination = "/memory", .type = "ramfs", .source = "ramfs", .options = {}},
                 {.destination = "/t", .type = "tmpfs", .source = "tmpfs", .options = {}}};
  return spec;
}

TEST(MountObstacles, MountsOfTheHostWithinABindMountAreNamed) {
  const auto found = judge_mounts(
      with_bind(),
      {.inside = {mount("/", "overlay", "0:9"), mount("/host", "ext4", "0:1"),
                  mount("/host/run", "tmpfs", "0:2"), mount("/host/proc", "proc", "0:3"),
                  mount("/host/cgroup", "cgroup2", "0:4")},
       .host = {mount("/run", "tmpfs", "0:2"), mount("/proc", "proc", "0:3"),
                mount("/cgroup", "cgroup2", "0:4")}});
  ASSERT_EQ(found.size(), 2U);  // the first is '/host', whose device is not that of its source here
  EXPECT_EQ(found[1].subject, "'/host/run'");
  EXPECT_TRUE(found[1].text.contains("(tmpfs) in a bind mount, one of 2")) << found[1].text;
}

TEST(MountObstacles, WhatProgramsMountedThereIsTheirs) {
  const auto found = judge_mounts(
      with_bind(), {.inside = {mount("/host/mine", "tmpfs", "0:7"), mount("/t", "tmpfs", "0:8"),
                               mount("/x", "proc", "0:9")},
                    .host = {mount("/mine", "tmpfs", "0:2")}});
  EXPECT_TRUE(found.empty());
}

// Its checkpoint was sealed, and no start could restore it.
TEST(MountObstacles, OverlaysOfProgramsAreNamed) {
  sys::Mount part = mount("/copy", "overlay", "0:9");
  part.root = "/a";
  const auto found = judge_mounts(with_bind(), {.inside = {mount("/", "overlay", "0:9"), part,
                                                           mount("/merged", "overlay", "0:10")},
                                                .host = {}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, "the mount '/merged'");
  EXPECT_TRUE(found[0].text.contains("is an overlay that a program made"));
}

TEST(MountObstacles, FileSystemsThatCannotBeMadeAreNamed) {
  const auto found = judge_mounts(
      with_bind(),
      {.inside = {mount("/memory", "ramfs", "0:7"), mount("/loop", "ext4", "7:0")}, .host = {}});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].text, "is of the kind 'ramfs', which cannot be saved");
  EXPECT_TRUE(found[0].remedy.contains("--tmpfs"));
  EXPECT_EQ(found[1].subject, "the mount '/loop'");
}

// CRIU would mount it without.
TEST(MountObstacles, MappedOwnersAreNamed) {
  sys::Mount mapped = mount("/t", "tmpfs", "0:7");
  mapped.mount_options = "rw,relatime,idmapped";
  const auto found = judge_mounts(with_bind(), {.inside = {mapped}, .host = {}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].text.contains("idmap"));
}

TEST(MountObstacles, EmptyDirsInHugePagesAreNamed) {
  sys::TestDirectory kubelet;
  const auto volume = kubelet / "pods/u1/volumes/kubernetes.io~empty-dir/huge";
  std::filesystem::create_directories(volume);
  oci::Spec spec;
  spec.annotations = {{"io.kubernetes.cri.container-type", "container"},
                      {"io.kubernetes.cri.sandbox-uid", "u1"}};
  spec.mounts = {
      {.destination = "/huge", .type = "bind", .source = volume.string(), .options = {}}};
  const SeenMounts seen{.inside = {}, .host = {mount(volume.c_str(), "hugetlbfs", "0:30")}};
  EXPECT_TRUE(judge_mounts(spec, seen).empty()) << "nothing is in it";
  std::filesystem::create_directory(volume / "file");
  const auto found = judge_mounts(spec, seen);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].subject, "emptyDir 'huge'");
}

}  // namespace
}  // namespace reprise::preflight
