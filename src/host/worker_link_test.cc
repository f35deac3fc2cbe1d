// SPDX-License-Identifier: Apache-2.0
#include "host/worker_link.h"

#include <gtest/gtest.h>

namespace reprise::host {
namespace {

TEST(WorkerLink, RequestsForACheckpointArriveAsTheyWereSent) {
  const WorkerRequest sent{.session = base::SessionId("s1"),
                           .container = base::ContainerId("c1"),
                           .key = base::ContainerKey("@web"),
                           .runtime_args = {"--root", "/run/r", "--systemd-cgroup"},
                           .lock_passed = true,
                           .what = CheckpointRequest{.end = true,
                                                     .trigger = image::Trigger::kStop,
                                                     .signal = 2,
                                                     .tag = "t",
                                                     .name = "counter"}};
  const WorkerRequest got = decode_worker_request(encode(sent)).value();
  EXPECT_EQ(got.session, sent.session);
  EXPECT_EQ(got.container, sent.container);
  EXPECT_EQ(got.key, sent.key);
  EXPECT_EQ(got.runtime_args, sent.runtime_args);
  EXPECT_EQ(got.lock_passed, sent.lock_passed);
  ASSERT_FALSE(got.is_restore());
  EXPECT_TRUE(got.checkpoint().end);
  EXPECT_EQ(got.checkpoint().trigger, image::Trigger::kStop);
  EXPECT_EQ(got.checkpoint().signal, 2);
  EXPECT_EQ(got.checkpoint().tag, "t");
  EXPECT_EQ(got.checkpoint().name, "counter");
}

TEST(WorkerLink, RequestsForARestoreArriveAsTheyWereSent) {
  const WorkerRequest sent{.session = base::SessionId("s1"),
                           .container = base::ContainerId("c1"),
                           .key = {},
                           .runtime_args = {},
                           .what = RestoreRequest{.bundle = "/b",
                                                  .checkpoint = base::CheckpointId("k1"),
                                                  .globals = {"--log", "/l"},
                                                  .options = {"--pid-file", "/p"},
                                                  .acknowledges = true}};
  const WorkerRequest got = decode_worker_request(encode(sent)).value();
  ASSERT_TRUE(got.is_restore());
  EXPECT_FALSE(got.lock_passed);
  EXPECT_EQ(got.restore().bundle, "/b");
  EXPECT_EQ(got.restore().checkpoint.str(), "k1");
  EXPECT_EQ(got.restore().globals, sent.restore().globals);
  EXPECT_EQ(got.restore().options, sent.restore().options);
  EXPECT_TRUE(got.restore().acknowledges);
}

TEST(WorkerLink, MessagesArriveAsTheyWereSent) {
  const Phase phase = std::get<Phase>(decode_worker_message(encode(Phase{.name = "seal"})).value());
  EXPECT_EQ(phase.name, "seal");
  const Ready sent{.argv = {"runc", "restore", "\xff"},
                   .environment = {{"CRIU_CONFIG_FILE", "/c"}, {"LD_PRELOAD", "/l"}},
                   .image_path = "/i",
                   .work_path = "/w"};
  const Ready got = std::get<Ready>(decode_worker_message(encode(sent)).value());
  EXPECT_EQ(got.argv, sent.argv);
  EXPECT_EQ(got.environment, sent.environment);
  EXPECT_EQ(got.image_path, sent.image_path);
  EXPECT_EQ(got.work_path, sent.work_path);
}

TEST(WorkerLink, OutcomesArriveAsTheyWereSent) {
  Outcome sent{.status = Outcome::Status::kFailed,
               .code = base::ErrorCode::kBusy,
               .reason = "CRIU says: \xff not UTF-8",  // logs hold anything
               .hint = "try again",
               .checkpoint = base::CheckpointId("k1"),
               .freeze_ms = 12,
               .total_ms = 345,
               .bytes = std::uint64_t{1} << 40};
  Outcome got = std::get<Outcome>(decode_worker_message(encode(sent)).value());
  EXPECT_FALSE(got.ok());
  EXPECT_EQ(got.code, sent.code);
  EXPECT_TRUE(got.reason.starts_with("CRIU says: ")) << got.reason;
  EXPECT_TRUE(got.reason.ends_with(" not UTF-8")) << got.reason;
  EXPECT_EQ(got.hint, sent.hint);
  EXPECT_EQ(got.checkpoint, sent.checkpoint);
  EXPECT_EQ(got.freeze_ms, sent.freeze_ms);
  EXPECT_EQ(got.total_ms, sent.total_ms);
  EXPECT_EQ(got.bytes, sent.bytes);
  sent.status = Outcome::Status::kDone;
  EXPECT_TRUE(std::get<Outcome>(decode_worker_message(encode(sent)).value()).ok());
}

TEST(WorkerLink, FailuresAreErrorsAndErrorsFailures) {
  const base::Error error =
      base::Error(base::ErrorCode::kUnsupported, "a program uses io_uring").with_hint("do not");
  const base::Error back = error_of(failed_outcome(error));
  EXPECT_EQ(back.code(), error.code());
  EXPECT_EQ(back.message(), error.message());
  EXPECT_EQ(back.hint(), error.hint());
}

TEST(WorkerLink, UnreadableMessagesAreErrors) {
  for (const char* text : {"", "{}", "[]", R"({"verb": "dance"})", R"({"event": 3})"}) {
    EXPECT_FALSE(decode_worker_request(text)) << text;
    EXPECT_FALSE(decode_worker_message(text)) << text;
    EXPECT_FALSE(decode_restored(text)) << text;
  }
  EXPECT_EQ(decode_restored(encode_restored(7)).value(), 7);
}

TEST(WorkerLink, WhatWasHeardIsNoOtherMessage) {
  EXPECT_TRUE(is_heard(encode_heard()));
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string(R"({"heard": 3})"), encode_restored(0)})
    EXPECT_FALSE(is_heard(text)) << text;
}

}  // namespace
}  // namespace reprise::host
