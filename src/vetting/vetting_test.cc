// SPDX-License-Identifier: Apache-2.0
//
// With the images that CRIU 4.2.1 wrote of an ordinary container of Podman, and with the same ones
// changed as somebody would who wants more than the container has.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "sys/files.h"
#include "vetting/seccomp_profile.h"
#include "vetting/vet.h"

namespace reprise::vetting {
namespace {

using base::ErrorCode;
using image::CriuMount;

const std::filesystem::path kTestData = REPRISE_VETTING_TESTDATA;

template <typename T>
T value_of(Result<T> result) {
  if (!result) ADD_FAILURE() << result.error().message();
  return std::move(result).value();
}

std::string contents(const char* name) { return value_of(sys::read_file(kTestData / name)); }

Grants real_grants() { return value_of(parse_grants(contents("config.json"))); }

Host real_host() {
  return {.exists = [](const std::string& path) { return path == "/proc/kcore"; },
          .controllers = {"", "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory",
                          "name=systemd", "pids"}};
}

image::CriuThread real_thread() {
  return value_of(image::decode_thread(contents("images/core-1.img")));
}

std::vector<CriuMount> real_mounts() {
  return value_of(image::decode_mounts(contents("images/mountpoints-13.img")));
}

CriuMount& at(std::vector<CriuMount>& mounts, const std::string& place) {
  return *std::ranges::find(mounts, place, &CriuMount::place);
}

bool never(const std::string&) { return false; }

void expect_refused(const Result<void>& result, const std::string& words) {
  ASSERT_FALSE(result) << words;
  EXPECT_EQ(result.error().code(), ErrorCode::kDenied);
  EXPECT_TRUE(result.error().message().contains(words)) << result.error().message();
}

TEST(VettingTest, AnOrdinaryCheckpointPassesAndGetsTheContainersFilter) {
  const Vetted vetted =
      value_of(vet_images(kTestData / "images", real_grants(),
                          {.exists = never, .controllers = real_host().controllers}));
  ASSERT_EQ(vetted.places.size(), 1U);
  EXPECT_EQ(vetted.places.front().path, "/tmp/x");
  const auto before = value_of(image::decode_seccomp(contents("images/seccomp.img")));
  const auto after = value_of(image::decode_seccomp(vetted.seccomp));
  ASSERT_EQ(after.size(), 2 * before.size());  // one for each process
  EXPECT_EQ(after.front().program, value_of(compile_profile(real_grants().seccomp)));
  EXPECT_EQ(after.at(before.size()).program, before.front().program);
  EXPECT_EQ(after.front().older, before.size());
}

TEST(VettingTest, ATaskMayHaveNoMoreRightsThanItsContainer) {
  const Grants grants = real_grants();
  EXPECT_TRUE(check_rights(real_thread(), grants, "process 1"));
  const auto refuse = [&](const std::string& words,
                          const std::function<void(image::CriuThread&)>& change) {
    image::CriuThread thread = real_thread();
    change(thread);
    expect_refused(check_rights(thread, grants, "process 1"), words);
  };
  constexpr std::uint64_t kAdmin = std::uint64_t{1} << kCapSysAdmin;
  refuse("CAP_SYS_ADMIN", [](auto& one) { one.credentials.permitted |= kAdmin; });
  refuse("CAP_SYS_ADMIN", [](auto& one) { one.credentials.effective |= kAdmin; });
  refuse("CAP_SYS_ADMIN", [](auto& one) { one.credentials.inheritable |= kAdmin; });
  refuse("CAP_SYS_ADMIN", [](auto& one) { one.credentials.bounding |= kAdmin; });
  refuse("CAP_SYS_ADMIN", [](auto& one) { one.credentials.ambient |= kAdmin; });
  refuse("capability 63", [](auto& one) { one.credentials.bounding |= std::uint64_t{1} << 63; });
  refuse("LSM profile 'unconfined'", [](auto& one) { one.credentials.lsm_profile = "unconfined"; });
  refuse("RLIMIT_NOFILE", [](auto& one) { one.limits.at(7).hard = ~std::uint64_t{0}; });
  refuse("OOM score -1000", [](auto& one) { one.oom_score_adj = -1000; });
  refuse("real-time", [](auto& one) { one.scheduler = 1; });
}

TEST(VettingTest, WithNoNewPrivilegesATaskIsWhoTheContainerBeganAs) {
  Grants grants = real_grants();
  grants.no_new_privs = true;
  expect_refused(check_rights(real_thread(), grants, "process 1"), "no_new_privs");
  image::CriuThread thread = real_thread();
  thread.credentials.no_new_privs = true;
  EXPECT_TRUE(check_rights(thread, grants, "process 1"));
  grants.capabilities &= ~(std::uint64_t{1} << kCapSetuid);
  grants.bounding &= ~(std::uint64_t{1} << kCapSetuid);
  grants.user = 1000;
  thread.credentials.permitted = thread.credentials.effective = thread.credentials.bounding = 0;
  expect_refused(check_rights(thread, grants, "process 1"), "user 0");
}

TEST(VettingTest, NamespacesOfTheHostAreRefused) {
  const auto ids = value_of(image::decode_ids(contents("images/ids-1.img")));
  const auto host = value_of(image::decode_inventory(contents("images/inventory.img"))).host;
  const Grants grants = real_grants();
  EXPECT_TRUE(check_namespaces(ids, ids, host, grants, "process 1"));
  const auto refuse = [&](const std::string& words, auto change) {
    image::CriuNamespaces changed = ids;
    change(changed);
    expect_refused(check_namespaces(changed, changed, host, grants, "process 1"), words);
  };
  refuse("pid namespace of the host", [&](auto& one) { one.pid = host.pid; });
  refuse("network namespace of the host", [&](auto& one) { one.net = host.net; });
  refuse("mount namespace of the host", [](auto& one) { one.mnt = 0; });
  refuse("a user namespace of its own", [](auto& one) { one.user = 77; });
  image::CriuNamespaces other = ids;
  other.ipc = 78;
  expect_refused(check_namespaces(other, ids, host, grants, "process 7"), "another ipc namespace");
}

TEST(VettingTest, MountsOfTheHostAreRefused) {
  const Grants grants = real_grants();
  EXPECT_TRUE(check_mounts(real_mounts(), grants, never));
  const auto refuse = [&](const std::string& words,
                          const std::function<void(std::vector<CriuMount>&)>& change) {
    auto mounts = real_mounts();
    change(mounts);
    expect_refused(check_mounts(mounts, grants, never), words);
  };
  const auto added = [](const std::function<void(CriuMount&)>& change) {
    return [change](std::vector<CriuMount>& mounts) {
      CriuMount mount = at(mounts, "/proc");
      mount.place = "/mnt";
      mount.id = 9999;
      mount.device = 0x7777;
      change(mount);
      mounts.push_back(mount);
    };
  };
  refuse("'/mnt'", added([](auto& one) {
           one.kind = image::CriuFileSystem::kOther;
           one.options = "lowerdir=/etc:/root";
         }));
  refuse("the cgroups of the host",
         added([](auto& one) { one.kind = image::CriuFileSystem::kCgroup; }));
  refuse("type proc", added([](auto&) {}));
  refuse("type tmpfs", added([](auto& one) {
           one.kind = image::CriuFileSystem::kTmpfs;
           one.flags = 0;
         }));
  refuse("'/etc' of the host", added([](auto& one) { one.external = "/etc"; }));
  refuse("'/etc/hosts' at another place", added([](auto& one) { one.external = "/etc/hosts"; }));
  refuse("a way of mounting", added([](auto& one) { one.unusual = true; }));
  refuse("more than one root", added([](auto& one) { one.place = "/"; }));
  refuse("a place outside", added([](auto& one) { one.place = "/mnt/../etc"; }));
  refuse("'/../..'", added([](auto& one) { one.root = "/../.."; }));
  refuse("'/link' of another mount", added([](auto& one) {
           one.kind = image::CriuFileSystem::kTmpfs;
           one.root = "/link";
         }));
  refuse("mounts that the host sees", [](auto& all) { at(all, "/etc/hosts").shared = 5; });
  refuse("to be written", [](auto& all) {
    at(all, "/sys").flags &= ~std::uint64_t{1};
    at(all, "/sys").mount_flags &= ~std::uint64_t{1};
  });
  refuse("that can be written", [](auto& all) { at(all, "/proc/sys").flags &= ~std::uint64_t{1}; });
  refuse("set-user-id programs",
         [](auto& all) { at(all, "/dev/shm").mount_flags &= ~std::uint64_t{2}; });
}

TEST(VettingTest, WhatIsHiddenStaysHidden) {
  const Grants grants = real_grants();
  const Exists all = [](const std::string&) { return true; };
  const auto mounts = real_mounts();
  // The host of these images had no /proc/kcore to mask.
  expect_refused(check_mounts(mounts, grants, all), "as the host has it");
  auto moved = mounts;
  at(moved, "/proc/sys").parent = at(moved, "/").id;  // below the /proc that is seen
  expect_refused(check_mounts(moved, grants, never), "below another mount than '/proc'");
  auto twice = mounts;
  twice.push_back(at(twice, "/proc"));
  expect_refused(check_mounts(twice, grants, never), "two mounts in one place");
  auto without = mounts;
  std::erase_if(without, [](const CriuMount& one) { return one.place == "/proc/sys"; });
  expect_refused(
      check_mounts(without, grants, [](const std::string& path) { return path == "/proc/sys"; }),
      "'/proc/sys'");
}

TEST(VettingTest, FilesOutsideOfTheContainerAreRefused) {
  const Grants grants = real_grants();
  const auto mounts = real_mounts();
  const auto refuse = [&](const std::string& words, const image::CriuOpenFile& file) {
    expect_refused(check_files({file}, mounts, grants), words);
  };
  refuse("'/../etc/shadow'", {.kind = 1, .id = 1, .path = "/../etc/shadow"});
  refuse("of the host", {.kind = 1, .id = 1, .path = "/x", .external = true});
  refuse("of the host", {.kind = 16, .id = 1});
  refuse("a mount that is none", {.kind = 1, .id = 1, .path = "/x", .mount = 12345});
  refuse("a raw socket", {.kind = 4, .id = 1, .socket_type = 3});
  refuse("a packet socket", {.kind = 10, .id = 1});
  refuse("its inode", {.kind = 8, .id = 1, .by_handle = true});
  refuse("/dev/net/tun", {.kind = 15, .id = 1});
  EXPECT_TRUE(check_ghost({.mode = 0020666, .device = 0x0103}, grants, "g"));  // /dev/null
  expect_refused(check_ghost({.mode = 0060666, .device = 0xFE00}, grants, "g"), "device 254:0");
}

TEST(VettingTest, CgroupsOutsideOfTheContainerAreRefused) {
  const Grants grants = real_grants();
  const auto real = value_of(image::decode_cgroups(contents("images/cgroup.img")));
  const auto known = real_host().controllers;
  EXPECT_TRUE(check_cgroups(real, grants, known));
  const auto refuse = [&](const std::string& words, auto change) {
    auto changed = real;
    change(changed);
    expect_refused(check_cgroups(changed, grants, known), words);
  };
  refuse("the cgroup '/'", [](auto& all) { all.sets[0].places[1].path = "/"; });
  refuse("the cgroup '", [](auto& all) { all.sets[0].places[1].path += "x"; });
  refuse("the cgroup '", [](auto& all) { all.sets[0].places[1].path += "/../.."; });
  refuse("the cgroup '../x'", [](auto& all) { all.controllers[0].directories = {"../x"}; });
  refuse("'unheard'", [](auto& all) { all.controllers[0].names = {"unheard"}; });
  refuse("cgroup namespace", [](auto& all) { all.sets[0].places[1].namespace_prefix = 0; });
  refuse("'../release_agent'", [](auto& all) { all.names.emplace_back("../release_agent"); });
}

TEST(VettingTest, WithCgroups2AloneTheContainersOwnIsWrittenIn) {
  Grants grants = real_grants();
  grants.cgroup = "machine-a.slice:libpod:abc";
  EXPECT_EQ(cgroup_of(grants), "/machine.slice/machine-a.slice/libpod-abc.scope");
  grants.cgroup = "/libpod_parent/libpod-abc";
  EXPECT_EQ(cgroup_of(grants), grants.cgroup);
  grants.namespaces["cgroup"] = "";
  auto real = value_of(image::decode_cgroups(contents("images/cgroup.img")));
  auto sub = real.sets[0];
  sub.id = 3;
  sub.places[0].path += "/below";
  real.sets.push_back(sub);
  const auto renewed = value_of(image::decode_cgroups(
      image::encode_cgroups(value_of(renewed_cgroups(real, grants, grants.cgroup)))));
  ASSERT_EQ(renewed.sets.size(), 2U);
  EXPECT_EQ(renewed.sets[0].places.at(0).path, "/libpod_parent/libpod-abc");
  EXPECT_EQ(renewed.sets[1].places.at(0).path, "/libpod_parent/libpod-abc/below");
  EXPECT_EQ(renewed.sets[1].places.at(0).namespace_prefix, grants.cgroup.size());
  EXPECT_EQ(
      renewed.controllers.at(0).directories,
      (std::vector<std::string>{"libpod_parent/libpod-abc", "libpod_parent/libpod-abc/below"}));
  real.sets[0].places[0].path = "/";
  const auto refused = renewed_cgroups(real, grants, grants.cgroup);
  ASSERT_FALSE(refused);
  expect_refused(std::unexpected(refused.error()), "the cgroup '/'");
}

TEST(VettingTest, AThreadWithoutAFilterNeedsOneThatIsForAllThreads) {
  const std::string program(8, '\6');
  using Filters = std::vector<image::CriuSeccompFilter>;
  const Filters synced = {{.program = program, .older = {}, .flags = 1},
                          {.program = program, .older = 0, .flags = 1}};
  EXPECT_TRUE(is_for_all_threads(synced, 1));
  Filters half = synced;
  half[0].flags = 0;
  EXPECT_FALSE(is_for_all_threads(half, 1));
  EXPECT_FALSE(is_for_all_threads(half, 7));
  EXPECT_EQ(value_of(with_filter(synced, {1}, "12345678")).at(1).flags, 1U);
}

TEST(VettingTest, AFurtherMountNamespaceHasTheSameRoot) {
  Grants grants = real_grants();
  auto further = real_mounts();
  for (CriuMount& mount : further) mount.external.clear();
  expect_refused(check_further_mounts(further, real_mounts(), grants, never), "a second mount");
  grants.capabilities |= std::uint64_t{1} << kCapSysAdmin;
  EXPECT_TRUE(check_further_mounts(further, real_mounts(), grants, never));
  at(further, "/").options = "lowerdir=/etc:/root";
  expect_refused(check_further_mounts(further, real_mounts(), grants, never), "another root");
}

TEST(VettingTest, FiltersThatLeadNowhereAreCorrupt) {
  const std::string program(8, '\6');
  using Filters = std::vector<image::CriuSeccompFilter>;
  EXPECT_TRUE(with_filter(Filters{{.program = program}}, {0}, "p"));
  EXPECT_FALSE(with_filter(Filters{{.program = program}}, {1}, "p"));
  EXPECT_FALSE(with_filter(Filters{{.program = program, .older = 0}}, {0}, "p"));
  EXPECT_FALSE(with_filter(Filters{{.program = "odd"}}, {0}, "p"));
  EXPECT_FALSE(with_filter(Filters{{.program = program, .older = {}, .flags = 4}}, {0}, "p"));
  // Where it is already, it is not added again, so that a checkpoint may go round for ever.
  EXPECT_EQ(value_of(with_filter(Filters{{.program = program}}, {0}, program)).size(), 1U);
}

TEST(VettingTest, WhatIsUnknownIsRefused) {
  const auto directory = std::filesystem::path(testing::TempDir()) / "vetting";
  std::filesystem::remove_all(directory);
  std::filesystem::copy(kTestData / "images", directory);
  const auto vet = [&] {
    return vet_images(directory, real_grants(),
                      {.exists = never, .controllers = real_host().controllers});
  };
  ASSERT_TRUE(vet());
  for (const char* name : {"apparmor.img", "binfmt-misc.img", "autofs-1.img", "creds-1.img", "x"}) {
    ASSERT_TRUE(sys::create_file(directory / name, ""));
    const auto refused = vet();
    ASSERT_FALSE(refused) << name;
    EXPECT_TRUE(refused.error().message().contains(name)) << refused.error().message();
    std::filesystem::remove(directory / name);
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string whole = value_of(sys::read_file(entry.path()));
    for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 8) {
      ASSERT_TRUE(sys::replace_file(entry.path(), whole.substr(0, size)));
      [[maybe_unused]] const auto result = vet();  // must not crash; some truncations are whole
    }
    ASSERT_TRUE(sys::replace_file(entry.path(), whole));
  }
}

}  // namespace
}  // namespace reprise::vetting
