// SPDX-License-Identifier: Apache-2.0
//
// During an upgrade a wrapper talks to a worker of another version, and what lies in the run
// directory (request.json) was written by the one before. tests/golden/worker holds the messages of
// this version, of the first one (before-*), and of one from the future (future-*).
#include <gtest/gtest.h>

#include "host/worker_link.h"
#include "json/test_golden.h"

namespace reprise::host {
namespace {

WorkerRequest checkpoint_request() {
  return {.session = base::SessionId("sess00000001"),
          .container = base::ContainerId("c0ffee"),
          .key = base::ContainerKey("@web"),
          .runtime_args = {"--root", "/run/runc", "--systemd-cgroup", "--odd\xff"},
          .lock_passed = true,
          .what = CheckpointRequest{.end = true,
                                    .trigger = image::Trigger::kStop,
                                    .signal = 15,
                                    .tag = "before-upgrade",
                                    .name = "web"}};
}

WorkerRequest restore_request() {
  return {.session = base::SessionId("sess00000002"),
          .container = base::ContainerId("c0ffee"),
          .key = base::ContainerKey("@web"),
          .runtime_args = {"--root", "/run/runc"},
          .lock_passed = true,
          .what = RestoreRequest{.bundle = "/var/lib/containers/c0ffee/userdata",
                                 .checkpoint = base::CheckpointId("ckpt00000001"),
                                 .globals = {"--root", "/run/runc", "--log", "/l\xff"},
                                 .options = {"--pid-file", "/p"},
                                 .acknowledges = true}};
}

// As those knew it that lie in files before-* and future-*.
WorkerRequest restore_without_arguments() {
  WorkerRequest request = restore_request();
  auto& restore = std::get<RestoreRequest>(request.what);
  restore.globals.clear();
  restore.options.clear();
  return request;
}

WorkerMessage phase_event() { return Phase{.name = "dump"}; }

WorkerMessage ready_event() {
  return Ready{
      .argv = {"runc", "restore", "c0ffee"},
      .environment = {{"CRIU_CONFIG_FILE", "/run/reprise/criu.conf"}, {"LD_PRELOAD", "/x.so"}},
      .image_path = "/dev/shm/reprise-1/criu",
      .work_path = "/var/lib/reprise/sessions/sess00000002"};
}

WorkerMessage good_outcome() {
  return Outcome{.status = Outcome::Status::kDone,
                 .reason = {},
                 .hint = {},
                 .checkpoint = base::CheckpointId("ckpt00000001"),
                 .freeze_ms = 210,
                 .total_ms = 930,
                 .bytes = std::uint64_t{5} << 32};
}

WorkerMessage bad_outcome() {
  return Outcome{.status = Outcome::Status::kFailed,
                 .code = base::ErrorCode::kUnsupported,
                 .reason = "a program uses io_uring",
                 .hint = "make the container anew",
                 .checkpoint = {},
                 .total_ms = 40};
}

void expect_request(const std::string& name, const WorkerRequest& request) {
  const auto read = decode_worker_request(golden::read("worker/" + name));
  ASSERT_TRUE(read) << name << ": " << read.error().details();
  EXPECT_EQ(encode(*read), encode(request)) << name;
}

void expect_event(const std::string& name, const WorkerMessage& event) {
  const auto read = decode_worker_message(golden::read("worker/" + name));
  ASSERT_TRUE(read) << name << ": " << read.error().details();
  EXPECT_EQ(encode(*read), encode(event)) << name;
}

TEST(WorkerMessagesGolden, RequestsOfThisVersion) {
  golden::expect_current("worker/request-checkpoint.json", encode(checkpoint_request()));
  expect_request("request-checkpoint.json", checkpoint_request());
  golden::expect_current("worker/request-restore.json", encode(restore_request()));
  expect_request("request-restore.json", restore_request());
}

TEST(WorkerMessagesGolden, ARequestThatIsOfAPodSaysWhose) {
  WorkerRequest request = checkpoint_request();
  request.name_space = "shop";
  golden::expect_current("worker/request-of-pod.json", encode(request));
  expect_request("request-of-pod.json", request);
  EXPECT_EQ(decode_worker_request(encode(request))->name_space, "shop");
}

TEST(WorkerMessagesGolden, EventsOfThisVersion) {
  golden::expect_current("worker/event-phase.json", encode(phase_event()));
  expect_event("event-phase.json", phase_event());
  golden::expect_current("worker/event-ready.json", encode(ready_event()));
  expect_event("event-ready.json", ready_event());
  golden::expect_current("worker/event-outcome.json", encode(good_outcome()));
  expect_event("event-outcome.json", good_outcome());
  golden::expect_current("worker/event-failure.json", encode(bad_outcome()));
  expect_event("event-failure.json", bad_outcome());
}

TEST(WorkerMessagesGolden, AnswersOfThisVersion) {
  golden::expect_current("worker/answer-restored.json", encode_restored(7));
  EXPECT_EQ(decode_restored(golden::read("worker/answer-restored.json")).value(), 7);
  golden::expect_current("worker/answer-heard.json", encode_heard());
  EXPECT_TRUE(is_heard(golden::read("worker/answer-heard.json")));
}

// A wrapper of the version before, which knew neither keys nor that the outcome is acknowledged.
TEST(WorkerMessagesGolden, ARequestOfTheVersionBeforeIsUnderstood) {
  WorkerRequest checkpoint = checkpoint_request();
  checkpoint.key = base::ContainerKey();
  checkpoint.runtime_args = {"--root", "/run/runc"};
  expect_request("before-request-checkpoint.json", checkpoint);
  WorkerRequest restore = restore_without_arguments();
  restore.key = base::ContainerKey();
  std::get<RestoreRequest>(restore.what).acknowledges = false;
  expect_request("before-request-restore.json", restore);
}

// A worker of the version before reads what we write: it insists on each of these fields.
TEST(WorkerMessagesGolden, TheVersionBeforeFindsWhatItNeeds) {
  WorkerRequest request = checkpoint_request();
  request.runtime_args = {"--root", "/run/runc"};
  golden::expect_kept("worker/before-request-checkpoint.json", encode(request));
  golden::expect_kept("worker/before-request-restore.json", encode(restore_request()));
  golden::expect_kept("worker/before-event-outcome.json", encode(good_outcome()));
  expect_event("before-event-outcome.json", good_outcome());
}

TEST(WorkerMessagesGolden, WhatALaterVersionAddsDoesNotMatter) {
  expect_request("future-request.json", restore_without_arguments());
  expect_event("future-event.json", good_outcome());
}

// What it means differs from all that we know: to guess would be wrong.
TEST(WorkerMessagesGolden, AVerbOrEventThatALaterVersionAddsIsRefused) {
  std::string request = golden::read("worker/request-restore.json");
  request.replace(request.find("\"restore\""), 9, "\"migrate\"");
  EXPECT_FALSE(decode_worker_request(request));
  std::string event = golden::read("worker/event-phase.json");
  event.replace(event.find("\"phase\""), 7, "\"percent\"");
  EXPECT_FALSE(decode_worker_message(event));
}

}  // namespace
}  // namespace reprise::host
