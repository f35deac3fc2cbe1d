// SPDX-License-Identifier: Apache-2.0
#include "host/worker_link.h"

#include <gtest/gtest.h>

namespace reprise::host {
namespace {

TEST(WorkerLink, RequestsArriveAsTheyWereSent) {
  WorkerRequest sent;
  sent.key = base::ContainerKey("@web");
  sent.verb = WorkerVerb::kRestore;
  sent.session = base::SessionId("s1");
  sent.container = base::ContainerId("c1");
  sent.runtime_args = {"--root", "/run/r", "--systemd-cgroup"};
  sent.end = true;
  sent.trigger = "stop";
  sent.signal = 2;
  sent.tag = "t";
  sent.name = "counter";
  sent.lock_passed = true;
  sent.bundle = "/b";
  sent.checkpoint = base::CheckpointId("k1");
  sent.acknowledges = true;
  const WorkerRequest got = decode_worker_request(encode(sent)).value();
  EXPECT_EQ(encode(got), encode(sent));
  EXPECT_EQ(got.key, sent.key);
  EXPECT_EQ(got.verb, sent.verb);
  EXPECT_EQ(got.session, sent.session);
  EXPECT_EQ(got.container, sent.container);
  EXPECT_EQ(got.runtime_args, sent.runtime_args);
  EXPECT_TRUE(got.acknowledges);
  EXPECT_EQ(got.end, sent.end);
  EXPECT_EQ(got.trigger, sent.trigger);
  EXPECT_EQ(got.signal, sent.signal);
  EXPECT_EQ(got.tag, sent.tag);
  EXPECT_EQ(got.name, sent.name);
  EXPECT_EQ(got.lock_passed, sent.lock_passed);
  EXPECT_EQ(got.bundle, sent.bundle);
  EXPECT_EQ(got.checkpoint, sent.checkpoint);
}

TEST(WorkerLink, EventsArriveAsTheyWereSent) {
  WorkerEvent sent;
  sent.kind = WorkerEventKind::kOutcome;
  sent.phase = "seal";
  sent.image_path = "/i";
  sent.work_path = "/w";
  sent.environment = {{"CRIU_CONFIG_FILE", "/c"}, {"LD_PRELOAD", "/l"}};
  sent.ok = true;
  sent.code = "busy";
  sent.reason = "CRIU says: \xff not UTF-8";  // logs hold anything
  sent.hint = "try again";
  sent.checkpoint = "k1";
  sent.freeze_ms = 12;
  sent.total_ms = 345;
  sent.bytes = std::uint64_t{1} << 40;
  const WorkerEvent got = decode_worker_event(encode(sent)).value();
  EXPECT_EQ(got.kind, sent.kind);
  EXPECT_EQ(got.phase, sent.phase);
  EXPECT_EQ(got.image_path, sent.image_path);
  EXPECT_EQ(got.work_path, sent.work_path);
  EXPECT_EQ(got.environment, sent.environment);
  EXPECT_EQ(got.ok, sent.ok);
  EXPECT_EQ(got.code, sent.code);
  EXPECT_TRUE(got.reason.starts_with("CRIU says: ")) << got.reason;
  EXPECT_TRUE(got.reason.ends_with(" not UTF-8")) << got.reason;
  EXPECT_EQ(got.hint, sent.hint);
  EXPECT_EQ(got.checkpoint, sent.checkpoint);
  EXPECT_EQ(got.freeze_ms, sent.freeze_ms);
  EXPECT_EQ(got.total_ms, sent.total_ms);
  EXPECT_EQ(got.bytes, sent.bytes);
}

TEST(WorkerLink, UnreadableMessagesAreErrors) {
  for (const char* text : {"", "{}", "[]", R"({"verb": "dance"})", R"({"event": 3})"}) {
    EXPECT_FALSE(decode_worker_request(text)) << text;
    EXPECT_FALSE(decode_worker_event(text)) << text;
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
