// SPDX-License-Identifier: Apache-2.0
#include "image/criu_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace reprise::image {
namespace {

std::string read_log(const std::string& name) {
  std::ifstream file(std::string(REPRISE_IMAGE_TESTDATA) + "/criu-log/" + name + ".log");
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Case {
  const char* log;
  const char* line;  // part of the line that must be found
  const char* hint;  // part of the hint
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.log; }

// The logs are CRIU 4.2.1's, of real processes that have what it cannot save, shortened to errors
// and their surroundings.
class RealLogTest : public testing::TestWithParam<Case> {};

TEST_P(RealLogTest, CauseAndHintAreFound) {
  const Case& expected = GetParam();
  const std::optional<CriuFinding> found = find_cause(read_log(expected.log));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->line.contains(expected.line)) << found->line;
  EXPECT_TRUE(found->hint.contains(expected.hint)) << found->hint;
  EXPECT_FALSE(found->line.starts_with('(')) << "the time stamp is still there";
}

INSTANTIATE_TEST_SUITE_P(
    AllCauses, RealLogTest,
    testing::Values(Case{"ghost", "Can't dump ghost file /srv/app/gh of 3002368", "64 GiB"},
                    Case{"uring", "anon_inode:[io_uring]", "reprise.dev/io-uring"},
                    Case{"inotify", "Can't dump that handle", "inotify"},
                    Case{"traced", "Unseizable non-zombie", "detach the tracer"},
                    Case{"userns", "Can't dump nested user namespace", "sandbox"},
                    Case{"unixpair", "External socket is used", "outside of the container"},
                    Case{"mq", "path=/mq1", "message queue"},
                    Case{"linkremap", "Can't create link remap", "another hard link"},
                    Case{"nospace", "No space left on device", "reprise checkpoint rm"},
                    Case{"setuid", "Can't get rlimit 0", "CAP_SYS_RESOURCE"},
                    Case{"bpf", "anon_inode:bpf-map", "BPF map"},
                    Case{"pidtaken", "Can't fork for", "process id"},
                    Case{"filechanged", "has bad size 1 (expect 10)", "changed"}),
    [](const auto& test) { return std::string(test.param.log); });

TEST(CriuLogTest, OldCriuOnNewKernel) {
  for (const char* option : {"1:16", "1:34"}) {
    const auto found = find_cause("(00.01) Error (criu/sockets.c:1): sockets: Can't get " +
                                  std::string(option) + " opt: Operation not supported\n");
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->hint.contains("CRIU 4.2.1 or newer"));
  }
}

TEST(CriuLogTest, OldWordingOfTracedProcesses) {
  const auto found =
      find_cause("(00.01) Error (compel/src/lib/infect.c:1): zombie 7 found while seizing\n");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->hint.contains("tracer"));
}

TEST(CriuLogTest, AddressIsGone) {
  const auto found = find_cause(
      "(00.1)     12: Error (soccr/soccr.c:5): soccr: Can't bind inet socket back: Cannot assign "
      "requested address\n(00.2) Error (criu/cr-restore.c:2331): Restoring FAILED.\n");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->line.starts_with("12: Error (soccr")) << found->line;
  EXPECT_TRUE(found->hint.contains("--ip"));
}

TEST(CriuLogTest, UnknownCauseIsFoundWithoutHint) {
  const auto found = find_cause(
      "(00.01) Warn  (criu/x.c:1): something\n"
      "(00.02) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not "
      "permitted\n"
      "(00.03) Error (criu/new.c:7): a thing we never saw\n"
      "(00.04) Error (criu/cr-dump.c:1545): Dump files (pid: 12) failed with -1\n"
      "(00.05) Error (criu/cr-dump.c:1975): Dumping FAILED.");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->line, "Error (criu/new.c:7): a thing we never saw");
  EXPECT_EQ(found->hint, "");
}

constexpr const char* kUnknown =
    "(00.01) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: x\n"
    "(00.03) Error (criu/new.c:7): a thing we never saw\n"
    "(00.03) dumping on\n"
    "(00.04)    12: Error (criu/new.c:9): that comes of it\n"
    "(00.05) Error (criu/cr-dump.c:1975): Dumping FAILED.";

TEST(CriuLogTest, LastErrorsAreKeptInTheirOrder) {
  EXPECT_EQ(last_errors(kUnknown, 9),
            (std::vector<std::string>{"Error (criu/new.c:7): a thing we never saw",
                                      "12: Error (criu/new.c:9): that comes of it",
                                      "Error (criu/cr-dump.c:1975): Dumping FAILED."}));
  EXPECT_EQ(last_errors(kUnknown, 1),
            std::vector<std::string>{"Error (criu/cr-dump.c:1975): Dumping FAILED."});
  EXPECT_TRUE(last_errors("(00.01) all is well\n", 9).empty());
}

// What has a remedy is not tried again, nor what was cut off: nobody knows how it left the tasks.
TEST(CriuLogTest, GaveUpUnharmed) {
  EXPECT_TRUE(gave_up_unharmed(kUnknown));
  EXPECT_FALSE(gave_up_unharmed("(00.03) Error (criu/new.c:7): a thing we never saw\n"));
  EXPECT_FALSE(
      gave_up_unharmed("(00.02) Error (criu/fsnotify.c:110): Can't dump that handle\n"
                       "(00.05) Error (criu/cr-dump.c:1975): Dumping FAILED."));
}

TEST(CriuLogTest, KnownCauseWinsOverEarlierUnknownError) {
  const auto found = find_cause(
      "(00.01) Error (criu/new.c:7): a thing CRIU went on after\n"
      "(00.02) Error (criu/fsnotify.c:110): Can't dump that handle\n");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->hint.contains("inotify"));
}

TEST(CriuLogTest, OnlyConsequencesGiveTheFirstOfThem) {
  const auto found = find_cause(
      "(00.025) Error (criu/cr-restore.c:1269): 13642 killed by signal 11: Segmentation fault\n"
      "(00.026) Error (criu/cr-restore.c:2331): Restoring FAILED.\r\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->line,
            "Error (criu/cr-restore.c:1269): 13642 killed by signal 11: Segmentation fault");
}

TEST(CriuLogTest, NoErrorNoFinding) {
  EXPECT_FALSE(find_cause(""));
  EXPECT_FALSE(find_cause("\n\n"));
  EXPECT_FALSE(find_cause("(00.01) Dumping finished successfully\n"));
  EXPECT_FALSE(find_cause(
      "(00.04) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: x\n"));
}

TEST(CriuLogTest, DroppedEvents) {
  EXPECT_TRUE(
      drops_events("(00.01) x\n(00.02) Warn  (criu/fsnotify.c:325): fsnotify: The "
                   "0x000004 inotify events will be dropped\n"));
  EXPECT_TRUE(
      drops_events("(00.02) Warn  (criu/fsnotify.c:426): fsnotify: The 0x000004 fanotify "
                   "events will be dropped\n"));
  EXPECT_FALSE(drops_events("(00.01) fsnotify: wd: wd 0x000001 s_dev 0x000027 i_ino 0x2\n"));
}

TEST(CriuLogTest, WhatPasses) {
  for (const char* text :
       {"sk-netlink.c:77): netlink: The socket has data to read",
        "sk-queue.c:144): skqueue: Control messages in queue, not supported",
        "sk-unix.c:525): unix: Found a closed in-flight socket to 0x6bbe79",
        "sk-unix.c:506): unix: Non-empty write queue on an in-flight socket 0x95f2da",
        "sk-inet.c:504): inet: Can't dump corked dgram socket 6bbe79"}) {
    const std::string log = "(00.02) Error (criu/" + std::string(text) + "\n";
    EXPECT_TRUE(found_passing_state(log)) << log;
    EXPECT_TRUE(find_cause(log)->hint.contains("when it has")) << log;
  }
  for (const char* text : {"seize.c:847): Zombie thread not supported",
                           "seize.c:851): Individually stopped threads not supported"})
    EXPECT_TRUE(found_passing_state("(00.02) Error (criu/" + std::string(text) + "\n")) << text;
  EXPECT_FALSE(found_passing_state("(00.02) Error (criu/tty.c:1): tty: Found slave peer\n"));
}

// People get our words, so each refusal that CRIU has needs some: the cause, a colon, the remedy.
TEST(CriuLogTest, Refusals) {
  for (const char* text :
       {"cr-dump.c:669): Can't make VM id for 18312",
        "cr-dump.c:676): Can't make FS id for 16284",
        "cr-dump.c:690): Can't make IO id for 7",
        "cr-dump.c:683): Can't make FILES id for 7",
        "seize.c:882): Zombies with threads are not supported",
        "seize.c:939): Zombie thread not supported",
        "seize.c:952): Individually stopped threads not supported",
        "pipes.c:490): The packetized mode for pipes is not supported yet",
        "pidfd.c:88): pidfd: PIDFD_THREAD flag is currently not supported",
        "shmem.c:282): Sysv shmem 3 with tail hole not supported",
        "files-reg.c:1796): Open files on overmounted mounts are not supported yet; mount=1 fd=2",
        "sk-packet.c:71): packet: Multiple MC membership not supported (but can be)",
        "ipc_ns.c:682): Unsupported message size: 9000 (MAX: 8192)",
        "mount.c:753): mnt: 12:./mnt doesn't have a proper root mount",
        "mount.c:724): mnt: FS mnt ./mnt dev 0x1 root / unsupported id 12",
        "sk-unix.c:881): unix: Can't dump half of stream unix connection. name: a; peer name: b",
        "sk-unix.c:888): unix: Can't dump name-less external socket.",
        "proc_parse.c:663): Can't handle non-regular mapping on 7's map 7f00",
        "proc_parse.c:760): Unsupported mapping found 7f00-7f01",
        "sk-netlink.c:133): netlink: 8 9",
        "sockets.c:371): sockets: Can't get socket filter len: Permission denied",
        "tty.c:2286): tty: ctty inheritance detected sid/pgrp 6 (ctty pid_real 1 pty pid_real 2)",
        "files.c:243): Empty list on file desc id 0x15(5)",
        "tun.c:185): tun: Can't dump tun0 with filter on-board",
        "bpfmap.c:262): CRIU does not currently support dumping BPF map type 9!"}) {
    const auto found = find_cause("(00.02) Error (criu/" + std::string(text) + "\n");
    ASSERT_TRUE(found) << text;
    EXPECT_TRUE(found->hint.contains(": ")) << text;
  }
}

TEST(CriuLogTest, OddLinesAreSurvived) {
  const auto found = find_cause("(Error (\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->line, "(Error (");
  EXPECT_TRUE(find_cause(std::string("\0(00) Error (x", 14)));
}

TEST(CriuLog, NamesAFileThatCouldNotBeOpenedAgain) {
  EXPECT_EQ(
      find_file_fault(
          "(00.1)      1: Opening 0x1 fd\n"
          "(00.2)      1: Error (criu/files-reg.c:2353): Can't open file "
          "log/a b.log on restore: No such file or directory\n"
          "(00.3)      1: Error (criu/files-reg.c:2269): Can't open file log/a b.log: x\n"),
      (CriuFileFault{
          .file = "/log/a b.log", .reason = "No such file or directory", .size = {}, .was = {}}));
  EXPECT_EQ(find_file_fault("(00.2)  1: Error (criu/files-reg.c:2175): File data/x has bad size 3 "
                            "(expect 12)\n"),
            (CriuFileFault{.file = "/data/x", .reason = {}, .size = "3", .was = "12"}));
  EXPECT_EQ(find_file_fault("(00.2)  1: Error (criu/tcp.c:1): Can't connect\n"), std::nullopt);
}

}  // namespace
}  // namespace reprise::image
